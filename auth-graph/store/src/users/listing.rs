//! Filtered lists of users, page by page, in the order of the identifiers.

use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{
    Alias, Asterisk, CommonTableExpression, Condition, Expr, ExprTrait, Func, LikeExpr, Order, Query, SelectStatement,
    WithClause,
};
use sea_orm::{DbBackend, QueryOrder, QuerySelect, QueryTrait, Select};

use super::{Column, Entity, Model, existing, find_among};
use crate::window::{Direction, Window};
use model::values::{Email, SearchText, UserId, Username};

/// Number of users in list order that a search scans before it uses the trigram index. The scan fills a page quickly
/// when many users match; the index would first collect all of them.
const NEARBY: u64 = 1000;

/// Conditions for a list of users; all of them must hold.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Exact address.
    pub email: Option<Email>,
    /// Exact user name.
    pub username: Option<Username>,
    /// Part of the address or the names, in any case.
    pub search: Option<SearchText>,
    /// True for users who may sign in, false for disabled ones.
    pub is_active: Option<bool>,
    /// True for staff, false for other users.
    pub is_staff: Option<bool>,
    /// Role of the users, listed or expressed by a flag.
    pub role: Option<String>,
}

/// Selects the users that match a filter.
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

/// Selects the users that match the filter among the next [`NEARBY`] users of the list.
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

/// Selects the users that match the filter among all users. The common table expression finds them before they are
/// sorted. Without it, the planner sometimes scans the whole list, because it does not know how rare a text is.
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
        .add_option(filter.username.clone().map(|name| Column::Username.eq(name)))
        .add_option(filter.is_active.map(|wanted| Column::IsActive.eq(wanted)))
        .add_option(filter.is_staff.map(|wanted| Column::IsStaff.eq(wanted)))
        .add_option(filter.role.as_deref().map(has_role))
        .add_option(filter.search.as_ref().map(contains))
}

/// Returns the condition of a role. A role of the list stands in quotation marks in its text. Both databases have
/// `replace`, which distinguishes upper and lower case.
fn has_role(role: &str) -> Expr {
    match role {
        "staff" => Column::IsStaff.eq(true),
        "superuser" => Column::IsSuperuser.eq(true),
        _ => {
            let list = || Expr::col(Column::Roles).cast_as(Alias::new("text"));
            let quoted = Json::from(role).to_string();
            let others = Func::cust(Alias::new("replace")).arg(list()).arg(quoted).arg("");
            Expr::expr(others).ne(list())
        }
    }
}

/// Returns the condition of a search: the text of the user contains every word. The trigram index is used for the
/// rarest part of the words only, because the lists of frequent parts are long. The results are compared with the words
/// in an expression that the index does not support.
///
/// A user whose text is still missing is searched in the column that the database maintains, which has the letters
/// beyond ASCII as they were written in some locales.
fn contains(text: &SearchText) -> Condition {
    let key = || Expr::col(Column::SearchKey);
    let text_of_user = || Expr::expr(Func::coalesce([key(), Expr::col(Alias::new("search_text"))]));
    let words = text.words().iter().map(|word| text_of_user().like(pattern(word)));
    let rarest = text.rarest().map(|part| key().like(pattern(part)).or(key().is_null()));
    words.fold(Condition::all().add_option(rarest), Condition::add)
}

fn pattern(text: &str) -> LikeExpr {
    let escaped = text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    LikeExpr::new(format!("%{escaped}%")).escape('\\')
}
