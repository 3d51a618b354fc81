//! Lists of users: narrowed, page by page, in the order of their identifiers.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    Alias, Asterisk, CommonTableExpression, Condition, Expr, ExprTrait, Func, LikeExpr, Order, Query, SelectStatement,
    WithClause,
};
use sea_orm::{DbBackend, QueryOrder, QuerySelect, QueryTrait, Select};

use super::{Column, Entity, Model, existing, find_among};
use crate::window::{Direction, Window};
use model::values::{Email, SearchText, UserId};

/// A search looks through so many users in the order of the list before it asks the index of trigrams. A text that many
/// users have fills a page with them, whereas the index would bring them all together first.
const NEARBY: u64 = 1000;

/// Conditions for a list of users; all of them must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The very address.
    pub email: Option<Email>,
    /// A part of the address and the names, whatever the case.
    pub search: Option<SearchText>,
    /// True for users who may sign in, false for disabled ones.
    pub is_active: Option<bool>,
    /// True for staff.
    pub is_staff: Option<bool>,
}

/// Returns the users that a filter lets through.
pub fn filtered(filter: &Filter) -> Select<Entity> {
    existing().filter(condition(filter))
}

/// Returns the number of users that match a filter.
pub async fn count(db: &impl ConnectionTrait, filter: &Filter) -> Result<u64, DbErr> {
    filtered(filter).count(db).await
}

/// Returns one page of users.
pub async fn page(db: &impl ConnectionTrait, filter: &Filter, window: Window) -> Result<Vec<Model>, DbErr> {
    let Window { after, before, direction, limit } = window;
    let range =
        Condition::all().add_option(after.map(|id| Column::Id.gt(id))).add_option(before.map(|id| Column::Id.lt(id)));
    let order = match direction {
        Direction::Forward => Order::Asc,
        Direction::Backward => Order::Desc,
    };
    let mut found = if filter.search.is_some() && db.get_database_backend() == DbBackend::Postgres {
        let mut ids = ids(db, &nearby(filter, range.clone(), &order, limit)).await?;
        if (ids.len() as u64) < limit {
            ids = self::ids(db, &everywhere(filter, range, &order, limit)).await?;
        }
        find_among(db, ids).await?
    } else {
        filtered(filter).filter(range).order_by(Column::Id, order).limit(limit).all(db).await?
    };
    found.sort_unstable_by_key(|user| user.id);
    Ok(found)
}

/// Those of the next users in the order of the list that a filter lets through.
fn nearby(filter: &Filter, range: Condition, order: &Order, limit: u64) -> SelectStatement {
    let next = Query::select()
        .column(Asterisk)
        .from(Entity)
        .cond_where(range)
        .order_by(Column::Id, order.clone())
        .limit(NEARBY)
        .take();
    Query::select()
        .column(Column::Id)
        .from_subquery(next, Entity)
        .cond_where(Column::DeletedAt.is_null())
        .cond_where(condition(filter))
        .order_by(Column::Id, order.clone())
        .limit(limit)
        .take()
}

/// The same among all users. What the filter lets through is found first and put in order then: left to itself, the
/// planner at times walks through the whole list, as it can not know how rare a text is.
fn everywhere(filter: &Filter, range: Condition, order: &Order, limit: u64) -> SelectStatement {
    let found = Alias::new("found");
    let matching = filtered(filter).select_only().column(Column::Id).filter(range).into_query();
    let matching = CommonTableExpression::new().table_name(found.clone()).query(matching).materialized(true).to_owned();
    Query::select()
        .column(Column::Id)
        .from(found)
        .order_by(Column::Id, order.clone())
        .limit(limit)
        .with_cte(WithClause::new().cte(matching).to_owned())
        .take()
}

async fn ids(db: &impl ConnectionTrait, query: &SelectStatement) -> Result<Vec<UserId>, DbErr> {
    db.query_all(query).await?.iter().map(|row| row.try_get("", "id").map(UserId)).collect()
}

fn condition(filter: &Filter) -> Condition {
    Condition::all()
        .add_option(filter.email.clone().map(|email| Column::Email.eq(email)))
        .add_option(filter.is_active.map(|wanted| Column::IsActive.eq(wanted)))
        .add_option(filter.is_staff.map(|wanted| Column::IsStaff.eq(wanted)))
        .add_option(filter.search.as_ref().map(contains))
}

/// The text that is searched is a column that the database keeps: address and names, in lower case. The index of its
/// trigrams is asked for the rarest part only, as it would read the long lists of the others; what it finds is compared
/// with the whole, in a form that the index does not know.
fn contains(text: &SearchText) -> Condition {
    let column = || Expr::col(Alias::new("search_text"));
    let rarest = column().like(pattern(text.rarest()));
    let whole =
        (text.rarest() != text.as_str()).then(|| Expr::expr(Func::lower(column())).like(pattern(text.as_str())));
    Condition::all().add(rarest).add_option(whole)
}

fn pattern(text: &str) -> LikeExpr {
    let escaped = text.to_lowercase().replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}
