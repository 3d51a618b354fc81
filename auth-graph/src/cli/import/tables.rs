//! Tables of another system: their names, their columns, and the groups and permissions of Django beside a table of
//! users.

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};

use super::Failure;

/// What stands for a binary value, so that its column is reported and its content is not read.
const BINARY: &str = "'(binary)'";

/// The name of a table, with its schema if one is given.
#[derive(Clone, Debug)]
pub(super) struct Table {
    schema: Option<String>,
    name: String,
}

/// A column of a table.
pub(super) struct Column {
    pub(super) name: String,
    pub(super) is_binary: bool,
}

impl Table {
    /// Parses a name such as `app_user`, `accounts.app_user` or `"odd.name"`.
    pub(super) fn parse(text: &str) -> Self {
        let (mut parts, mut is_quoted) = (vec![String::new()], false);
        for letter in text.chars() {
            match letter {
                '"' => is_quoted = !is_quoted,
                '.' if !is_quoted => parts.push(String::new()),
                letter => parts.last_mut().expect("there is always one part").push(letter),
            }
        }
        let name = parts.pop().expect("there is always one part");
        Self { schema: parts.pop().filter(|schema| !schema.is_empty()), name }
    }

    /// Returns the name for a statement.
    pub(super) fn quoted(&self) -> String {
        let schema = self.schema.iter().map(|schema| format!("{}.", quoted(schema)));
        schema.chain([quoted(&self.name)]).collect()
    }

    /// Returns the columns; none if there is no such table.
    pub(super) async fn columns(&self, db: &DatabaseConnection) -> Result<Vec<Column>, Failure> {
        let backend = db.get_database_backend();
        let statement = match backend {
            DbBackend::Sqlite => Statement::from_sql_and_values(
                backend,
                "SELECT name, 0 AS is_binary FROM pragma_table_info(?, ?) ORDER BY cid",
                [self.name.clone().into(), self.schema.clone().unwrap_or_else(|| "main".to_owned()).into()],
            ),
            _ => Statement::from_sql_and_values(
                backend,
                "SELECT attname::text AS name, CASE WHEN atttypid = 'bytea'::regtype THEN 1 ELSE 0 END AS is_binary \
                 FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                [self.quoted().into()],
            ),
        };
        let mut columns = Vec::new();
        for row in db.query_all_raw(statement).await? {
            let (name, is_binary): (String, i32) = (row.try_get("", "name")?, row.try_get("", "is_binary")?);
            columns.push(Column { name, is_binary: is_binary == 1 });
        }
        Ok(columns)
    }

    /// Returns the table of this name in the same schema, or where the database looks for it.
    async fn neighbour(&self, db: &DatabaseConnection, name: String) -> Result<Option<(Self, Vec<Column>)>, Failure> {
        for schema in [self.schema.clone(), None] {
            let table = Self { schema, name: name.clone() };
            let columns = table.columns(db).await?;
            if !columns.is_empty() {
                return Ok(Some((table, columns)));
            }
        }
        Ok(None)
    }

    /// Returns the table that joins users to another one, with the column of the user.
    async fn joining(
        &self,
        db: &DatabaseConnection,
        what: &str,
        other: &str,
    ) -> Result<Option<(Self, String)>, Failure> {
        let Some((table, columns)) = self.neighbour(db, format!("{}_{what}", self.name)).await? else {
            return Ok(None);
        };
        // Django names the column after the model of the users.
        let user = columns.into_iter().map(|column| column.name).find(|name| name != "id" && name != other);
        Ok(user.map(|user| (table, user)))
    }
}

/// Returns the expression for the names of a user's groups, if Django's tables of them are there.
pub(super) async fn groups(db: &DatabaseConnection, users: &Table) -> Result<Option<String>, Failure> {
    let joining = users.joining(db, "groups", "group_id").await?;
    let named = users.neighbour(db, "auth_group".to_owned()).await?;
    let (Some((joining, user)), Some((named, _))) = (joining, named) else { return Ok(None) };
    Ok(Some(format!(
        "(SELECT {} FROM {} AS m JOIN {} AS g ON g.id = m.group_id WHERE m.{} = source.id)",
        list(db, "g.name"),
        joining.quoted(),
        named.quoted(),
        quoted(&user)
    )))
}

/// Returns the expression for the names of a user's own permissions, if Django's tables of them are there.
pub(super) async fn permissions(db: &DatabaseConnection, users: &Table) -> Result<Option<String>, Failure> {
    let joining = users.joining(db, "user_permissions", "permission_id").await?;
    let named = users.neighbour(db, "auth_permission".to_owned()).await?;
    let types = users.neighbour(db, "django_content_type".to_owned()).await?;
    let (Some((joining, user)), Some((named, _)), Some((types, _))) = (joining, named, types) else { return Ok(None) };
    Ok(Some(format!(
        "(SELECT {} FROM {} AS m JOIN {} AS p ON p.id = m.permission_id JOIN {} AS t ON t.id = p.content_type_id \
         WHERE m.{} = source.id)",
        list(db, "t.app_label || '.' || p.codename"),
        joining.quoted(),
        named.quoted(),
        types.quoted(),
        quoted(&user)
    )))
}

/// Returns the expression that turns a row into JSON. SQLite needs the name of each column, and knows only for each
/// value whether it is binary.
pub(super) fn row_as_json(db: &DatabaseConnection, columns: &[Column]) -> String {
    if db.get_database_backend() != DbBackend::Sqlite {
        return "row_to_json(source)::text".to_owned();
    }
    let argument = |Column { name, .. }: &Column| {
        let column = quoted(name);
        let value = format!("CASE typeof({column}) WHEN 'blob' THEN {BINARY} ELSE {column} END");
        format!("'{}', {value}", name.replace('\'', "''"))
    };
    format!("json_object({})", columns.iter().map(argument).collect::<Vec<_>>().join(", "))
}

/// Returns the rows, under the name `source`.
pub(super) fn rows(db: &DatabaseConnection, table: &Table, columns: &[Column]) -> String {
    if db.get_database_backend() == DbBackend::Sqlite {
        return format!("{} AS source", table.quoted());
    }
    let column = |Column { name, is_binary }: &Column| match is_binary {
        true => format!("CASE WHEN {0} IS NOT NULL THEN {BINARY} END AS {0}", quoted(name)),
        false => quoted(name),
    };
    let columns: Vec<_> = columns.iter().map(column).collect();
    format!("(SELECT {} FROM {}) AS source", columns.join(", "), table.quoted())
}

/// Returns the expression that collects values into a list in JSON.
fn list(db: &DatabaseConnection, value: &str) -> String {
    match db.get_database_backend() {
        DbBackend::Sqlite => format!("json_group_array({value})"),
        _ => format!("json_agg({value})::text"),
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
