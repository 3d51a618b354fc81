//! Hashes passwords with argon2id (RFC 9106) on dedicated threads.
//!
//! The threads reuse their memory, run at a low priority and take jobs from a bounded queue. Therefore a storm of
//! log-ins neither slows down the verification of tokens nor fills the memory. A place in the queue is reserved before
//! any other work is done for a log-in, such as asking the database. When the queue is full, callers are asked to try
//! again later.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, Version};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::foreign_hashes::{ForeignHash, Unusable};
use model::config::Passwords;
use model::error::{Error, Result};
use model::values::Password;

const RETRY_AFTER: Duration = Duration::from_secs(1);

/// The threads that hash passwords.
#[derive(Debug)]
pub struct PasswordPool {
    queue: Sender<Job>,
    places: Arc<Semaphore>,
    computed: Arc<AtomicU64>,
    params: Params,
    /// Hash of the configured cost, which is compared when there is no other hash.
    decoy: String,
}

/// A place in the queue of the threads.
#[derive(Debug)]
pub struct Place<'a> {
    pool: &'a PasswordPool,
    permit: Arc<OwnedSemaphorePermit>,
}

/// What a thread computes, with the place in the queue, which is free again when nobody has it any more.
struct Job {
    work: Work,
    _place: Arc<OwnedSemaphorePermit>,
}

enum Work {
    Hash { password: SecretString, answer: oneshot::Sender<Result<String>> },
    Verify { password: SecretString, hash: String, answer: oneshot::Sender<Result<bool>> },
    Other(Box<dyn FnOnce() + Send>),
}

impl PasswordPool {
    /// Starts the threads, which end when the pool is dropped.
    ///
    /// # Errors
    /// [`Error::Internal`] when a thread cannot be started or the costs are invalid.
    pub fn start(config: &Passwords) -> Result<Self> {
        let params = Params::new(config.memory_kib, config.iterations, 1, None).map_err(Error::internal)?;
        let threads = match config.threads {
            0 => thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let (queue, jobs) = channel();
        // One job for each thread is not waiting.
        let places = Arc::new(Semaphore::new(config.queue + threads));
        let jobs = Arc::new(Mutex::new(jobs));
        let computed = Arc::new(AtomicU64::new(0));
        for number in 0..threads {
            let (jobs, computed, params, nice) = (jobs.clone(), computed.clone(), params.clone(), config.nice);
            thread::Builder::new()
                .name(format!("password-{number}"))
                .spawn(move || {
                    yield_to_the_rest(nice);
                    Hasher::new(params).run(&jobs, &computed);
                })
                .map_err(Error::internal)?;
        }
        let decoy = Hasher::new(params.clone()).hash(&"a password of no user".into())?;
        Ok(Self { queue, places, computed, params, decoy })
    }

    /// Reserves a place in the queue, until it is dropped.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the queue is full.
    pub fn reserve(&self) -> Result<Place<'_>> {
        match self.places.clone().try_acquire_owned() {
            Ok(permit) => Ok(Place { pool: self, permit: Arc::new(permit) }),
            Err(_) => Err(Error::Unavailable { retry_after: RETRY_AFTER, source: None }),
        }
    }

    /// Hashes the normal form of a password; the result is in PHC string format.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the queue is full.
    pub async fn hash(&self, password: &Password) -> Result<String> {
        self.reserve()?.ask(|answer| Work::Hash { password: password.normal().clone(), answer }).await
    }

    /// Returns whether a hash has our own format and the configured cost.
    #[must_use]
    pub fn is_current(&self, hash: &str) -> bool {
        PasswordHash::new(hash).is_ok_and(|hash| {
            hash.algorithm == ARGON2ID_IDENT
                && hash.version == Some(Version::V0x13.into())
                && Params::try_from(&hash).is_ok_and(|params| costs(&params) == costs(&self.params))
        })
    }

    /// Returns the number of hashes that were computed since the pool was started.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }
}

impl Place<'_> {
    /// Returns whether the hash is that of this password. Without a hash it returns false, after a comparison with the
    /// decoy. The caller passes a decoy where hashes of other systems were imported: the time of a comparison with one
    /// of our own hashes would show that the account does not exist.
    ///
    /// Only `engine::comparing` calls this function: it counts attempts and records failures.
    ///
    /// # Errors
    /// [`Error::Internal`] for a hash that cannot be compared.
    pub async fn compare(self, password: &Password, hash: Option<&str>, decoy: Option<&str>) -> Result<bool> {
        let compared = hash.or(decoy).unwrap_or(&self.pool.decoy).to_owned();
        let ask = |password: &SecretString, hash| {
            let password = password.clone();
            self.ask(|answer| Work::Verify { password, hash, answer })
        };
        let mut same = ask(password.normal(), compared.clone()).await?;
        // Other systems hashed passwords as they were given.
        if let Some(given) = password.given()
            && !same
        {
            same = ask(given, compared).await?;
        }
        Ok(same && hash.is_some())
    }

    /// Does other work on one of the threads, such as judging a new password.
    ///
    /// # Errors
    /// [`Error::Internal`] when the work panics.
    pub async fn run<T: Send + 'static>(self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        self.ask(|answer| {
            Work::Other(Box::new(move || {
                if !answer.is_closed() {
                    drop(answer.send(Ok(work())));
                }
            }))
        })
        .await
    }

    async fn ask<T>(&self, work: impl FnOnce(oneshot::Sender<Result<T>>) -> Work) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = Job { work: work(answer), _place: self.permit.clone() };
        self.pool.queue.send(job).map_err(|_| Error::internal("the hashing threads have ended"))?;
        answered.await.map_err(Error::internal)?
    }
}

/// The worker of one thread, with the memory that it reuses.
struct Hasher {
    params: Params,
    memory: Vec<Block>,
}

impl Hasher {
    fn new(params: Params) -> Self {
        // The first log-in allocates the memory, so that a service without log-ins needs none.
        Self { memory: Vec::new(), params }
    }

    fn run(mut self, jobs: &Mutex<Receiver<Job>>, computed: &AtomicU64) {
        loop {
            let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
            // A caller who has gone away needs no answer: the job is not computed, and a late answer is dropped.
            let Ok(Job { work, _place }) = job else { return };
            match work {
                Work::Hash { answer, .. } if answer.is_closed() => {}
                Work::Verify { answer, .. } if answer.is_closed() => {}
                // A panic loses the answer and must not end the thread.
                Work::Other(work) => drop(catch_unwind(AssertUnwindSafe(work))),
                Work::Hash { password, answer } => {
                    let hash = self.hash(&password);
                    computed.fetch_add(1, Ordering::Relaxed);
                    drop(answer.send(hash));
                }
                Work::Verify { password, hash, answer } => {
                    let same = self.verify(&password, &hash);
                    computed.fetch_add(1, Ordering::Relaxed);
                    drop(answer.send(same));
                }
            }
        }
    }

    fn hash(&mut self, password: &SecretString) -> Result<String> {
        let salt = Salt::generate();
        let params = self.params.clone();
        let output = self.compute(password, &salt, params.clone(), Params::DEFAULT_OUTPUT_LEN)?;
        let hash = PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(&params).map_err(Error::internal)?,
            salt: Some(salt),
            hash: Some(Output::new(&output).map_err(Error::internal)?),
        };
        Ok(hash.to_string())
    }

    fn verify(&mut self, password: &SecretString, hash: &str) -> Result<bool> {
        if let Ok(hash) = PasswordHash::new(hash)
            && let (Some(salt), Some(expected), ARGON2ID_IDENT) = (hash.salt, hash.hash, hash.algorithm)
            && hash.version == Some(Version::V0x13.into())
            && let Ok(params) = Params::try_from(&hash)
            // A hash that needs more memory gets its own, so that the reused memory keeps its configured size.
            && params.block_count() <= self.params.block_count()
        {
            let output = self.compute(password, &salt, params, expected.len())?;
            return Ok(output.ct_eq(expected.as_bytes()).into());
        }
        let unusable = |reason| match reason {
            Unusable::Unknown => Error::internal("a stored password hash has an unknown format"),
            Unusable::TooCostly => Error::internal("a stored password hash is too costly to compare"),
        };
        ForeignHash::parse_stored(hash).map_err(unusable)?.matches(password)
    }

    fn compute(&mut self, password: &SecretString, salt: &Salt, params: Params, length: usize) -> Result<Vec<u8>> {
        if self.memory.len() < params.block_count() {
            self.memory.resize(params.block_count(), Block::default());
        }
        let blocks = params.block_count();
        let mut output = vec![0; length];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(
                password.expose_secret().as_bytes(),
                salt.as_ref(),
                &mut output,
                &mut self.memory[..blocks],
            )
            .map_err(Error::internal)?;
        Ok(output)
    }
}

fn costs(params: &Params) -> (u32, u32, u32) {
    (params.m_cost(), params.t_cost(), params.p_cost())
}

fn yield_to_the_rest(nice: i32) {
    // On Linux this sets the niceness of the calling thread only.
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::warn!(%error, nice, "the priority of a hashing thread could not be lowered");
    }
}
