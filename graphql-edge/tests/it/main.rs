//! The rules of the edge, through its public door.
