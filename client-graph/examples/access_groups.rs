//! A service with its own permissions. auth-graph stores the group of a user in the user's metadata, the service copies
//! it to its own table, and a guard compares it with the group that a field requires. The key begins with `_`, so that
//! users cannot set it themselves.
//!
//! `cargo run -p client-graph --example access_groups`
//!
//! A group is a path, such as `com.dept.team`. Members of a group have the permissions of that group and of the groups
//! within it: `com.dept` grants `com.dept.team`. Whole segments are compared, so `com.dept.te` does not.

use async_graphql::{EmptyMutation, EmptySubscription, Guard, Object, Request, Schema};
use client_graph::guard::{Demand, Rule, access, caller, guarded};
use client_graph::mirror::{self, Mirror, MirrorChange};
use client_graph::testing::TestIssuer;
use client_graph::{ApiError, Code, Error, UserId};
use sea_orm::{ActiveValue::Set, Database, DatabaseConnection, DatabaseTransaction, EntityTrait};
use sea_orm_migration::prelude::*;

/// The service's own table, with the group of each user who has one.
mod membership {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "memberships")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub path: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// Creates the service's own table. It refers to the mirror, whose migrations come first.
pub struct Memberships;

impl MigrationName for Memberships {
    fn name(&self) -> &str {
        "0001_memberships"
    }
}

#[async_trait::async_trait]
impl MigrationTrait for Memberships {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut user = ForeignKey::create();
        user.from("memberships", "user_id").to("mirrored_users", "id").on_delete(ForeignKeyAction::Cascade);
        let table = Table::create()
            .table("memberships")
            .col(ColumnDef::new("user_id").uuid().not_null().primary_key())
            .col(ColumnDef::new("path").text().not_null())
            .foreign_key(&mut user)
            .to_owned();
        manager.create_table(table).await
    }
}

/// Returns a mirror that updates the table in the transaction of the user's row: at sign-in, on first sight and by the
/// feed.
pub fn mirror(db: DatabaseConnection) -> Mirror {
    Mirror::new(db).on_user(|change, txn| Box::pin(keep_membership(change, txn)))
}

/// Replaces the membership of a user by that in auth-graph. Metadata without a valid path means no membership; it is
/// not an error, because the change must be kept.
async fn keep_membership(change: &MirrorChange, txn: &DatabaseTransaction) -> Result<(), Error> {
    let metadata = change.after.as_ref().map(|user| &user.metadata["_accessGroup"]["path"]);
    let path = metadata.and_then(|path| path.as_str()).filter(|path| segments(path).is_some());
    membership::Entity::delete_by_id(change.id.0).exec(txn).await.map_err(Error::internal)?;
    if let Some(path) = path {
        let row = membership::ActiveModel { user_id: Set(change.id.0), path: Set(path.to_owned()) };
        membership::Entity::insert(row).exec_without_returning(txn).await.map_err(Error::internal)?;
    }
    Ok(())
}

/// Admits members of this group, or of one that contains it.
#[derive(Clone, Copy, Debug)]
pub struct InGroup(pub &'static str);

impl Rule for InGroup {
    fn demand(&self) -> Demand {
        Demand::Policies(vec![vec![format!("group:{}", self.0)]])
    }
}

impl Guard for InGroup {
    async fn check(&self, ctx: &async_graphql::Context<'_>) -> async_graphql::Result<()> {
        let user = caller(ctx)?.user().await.map_err(ApiError::from)?;
        let db = ctx.data_unchecked::<DatabaseConnection>();
        let held = group_of(db, user.id).await.map_err(ApiError::from)?;
        if held.is_some_and(|held| opens(&held, self.0)) {
            return Ok(());
        }
        Err(ApiError::from(Error::new(Code::Forbidden)).into())
    }
}

/// Returns the group of a user.
pub async fn group_of(db: &DatabaseConnection, user: UserId) -> Result<Option<String>, Error> {
    let row = membership::Entity::find_by_id(user.0).one(db).await.map_err(Error::internal)?;
    Ok(row.map(|row| row.path))
}

/// Returns whether one group grants another.
pub fn opens(held: &str, wanted: &str) -> bool {
    match (segments(held), segments(wanted)) {
        (Some(held), Some(wanted)) => wanted.starts_with(&held),
        _ => false,
    }
}

/// Returns the segments of a path; none when one of them is empty.
fn segments(path: &str) -> Option<Vec<&str>> {
    path.split('.').map(|segment| Some(segment).filter(|segment| !segment.is_empty())).collect()
}

/// The queries of the service.
pub struct Query;

#[guarded]
#[Object]
impl Query {
    #[graphql(access(InGroup("com.dept.team")))]
    async fn report(&self) -> &str {
        "The team is well."
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let db = Database::connect(format!("sqlite://{}?mode=rwc", folder.path().join("service.db").display())).await?;
    let manager = SchemaManager::new(&db);
    for migration in mirror::migrations().iter().chain(&[Box::new(Memberships) as Box<dyn MigrationTrait>]) {
        migration.up(&manager).await?;
    }
    let issuer = TestIssuer::start().await;
    let auth = issuer.auth_graph().mirror(mirror(db.clone())).build()?;
    let schema = Schema::build(Query, EmptyMutation, EmptySubscription).data(db).finish();
    for path in ["com.dept", "com.dept.te"] {
        let mut user = issuer.user(&format!("{path}@example.com"));
        user.metadata = serde_json::json!({ "_accessGroup": { "path": path } });
        issuer.change_user(&user);
        let context = auth.context_from_token(Some(&issuer.token_for(&user).sign().into())).await;
        let answer = schema.execute(Request::new("{ report }").data(context)).await;
        println!("{path}: {}", serde_json::to_string(&answer)?);
    }
    Ok(())
}
