//! Searching users: in any script, case and encoding, with the same result on both databases.

use engine::accounts::{self, Rank};
use engine::administration::{self, NewAccount, Update};
use engine::callers::Actor;
use engine::pagination::Page;
use model::error::Error;
use sea_orm::ConnectionTrait;
use store::users::Filter;

use crate::support::TestApp;

const NAMES: [(&str, &str, &str); 12] = [
    ("ozge@test.com", "Özge", "Öztürk"),
    ("ipek@test.com", "İpek", "Yıldız"),
    ("omega@test.com", "Ωμέγα", "Οδυσσεύς"),
    ("ivan@test.com", "Иван", "Йозеф"),
    ("weiss@test.com", "Anna", "Weiß"),
    ("jose@test.com", "Jose\u{301}", "Nu\u{301}n\u{303}ez"),
    ("mary@test.com", "Mary Ann", "van der Berg"),
    ("pat@test.com", "Pat", "O’Brien"),
    ("xiaolong@test.com", "小龍", "李"),
    ("nik@test.com", "نیک\u{200c}نام", ""),
    ("info@bücher.example", "", ""),
    ("under_score@test.com", "100%", "\\"),
];

async fn with_names() -> TestApp {
    let test = TestApp::new().await;
    for (email, first_name, last_name) in NAMES {
        let new = NewAccount {
            first_name: first_name.to_owned(),
            last_name: last_name.to_owned(),
            ..NewAccount::plain(email.parse().unwrap(), None)
        };
        administration::create(&test.app, &Actor::operator(), new).await.unwrap();
    }
    test
}

/// Returns the parts before the @ of the addresses that a search finds.
async fn found(test: &TestApp, text: &str) -> Result<Vec<String>, Error> {
    let filter = Filter { search: Some(text.parse()?), ..Filter::default() };
    let listing = accounts::list(&test.app, &filter, &Page::default()).await?;
    assert_eq!(accounts::count(&test.app, &filter).await? as usize, listing.rows.len(), "{text}");
    Ok(listing.rows.iter().map(|(_, user)| user.email.local_part().to_owned()).collect())
}

#[tokio::test]
async fn a_search_finds_text_in_any_script_case_and_encoding() {
    let test = with_names().await;
    for (texts, expected) in [
        (&["Özge", "özge", "ÖZGE", "O\u{308}zge", "ozge", "öztürk Özge", "ÜRK"][..], "ozge"),
        (&["İpek", "ipek", "IPEK", "ıpek", "yıldız", "YILDIZ", "Yildiz", "İPEK YILDIZ"], "ipek"),
        (&["Ωμέγα", "ωμέγα", "ΩΜΕΓΑ", "ΩΜΈΓΑ", "οδυσσεύς", "ΟΔΥΣΣΕΥΣ", "δυσ"], "omega"),
        (&["Иван", "иван", "ИВАН", "йозеф", "И\u{306}ОЗЕФ", "ва йо"], "ivan"),
        (&["Weiß", "weiss", "WEISS", "WEIẞ", "eiß an"], "weiss"),
        (&["José", "jose\u{301}", "JOSE", "Núñez", "NUÑEZ", "nunez jose"], "jose"),
        (&[" berg ", "berg\u{a0}", "van der Berg Mary", "Mary Berg", "\tberg", "mary@test.com berg"], "mary"),
        (&["O'Brien", "o’brien", "brien pat"], "pat"),
        (&["李", "小龍", "龍 李"], "xiaolong"),
        (&["نیک\u{200c}نام", "نیکنام", "\u{202b}نیک\u{202c}"], "nik"),
        (&["info@bücher.example", "BÜCHER", "bu\u{308}cher", "xn--bcher-kva", "info@xn--bcher-kva.example"], "info"),
        (&["100%", "R_S", "\\", "％"], "under_score"),
    ] {
        for text in texts {
            assert_eq!(found(&test, text).await.unwrap(), [expected], "{text:?}");
        }
    }
    for text in ["ber_", "b%g", "Иван Weiß", "mary berk", "@test.org", "ange"] {
        assert!(found(&test, text).await.unwrap().is_empty(), "{text}");
    }
    assert_eq!(found(&test, " \u{a0} ").await.unwrap().len(), NAMES.len(), "a text without a word is no filter");
    assert!(found(&test, "a\u{0}").await.is_err());
}

#[tokio::test]
async fn a_search_follows_changes_of_names_and_addresses() {
    let test = TestApp::new().await;
    let ada = test.signed_in("ada@test.com", Rank::User).await;
    let change = Update {
        email: Some("ada@bücher.example".parse().unwrap()),
        last_name: Some("Öztürk".to_owned()),
        ..Update::default()
    };
    administration::update(&test.app, &Actor::operator(), ada.user.id, change).await.unwrap();
    for (text, expected) in [("ÖZTÜRK", 1), ("bücher", 1), ("lovelace", 0), ("test.com", 0)] {
        assert_eq!(found(&test, text).await.unwrap().len(), expected, "{text}");
    }
}

/// A version without the column of searches serves beside this one, and the users of before have no text in it yet.
#[tokio::test]
async fn users_whom_another_version_has_written_are_found() {
    let test = with_names().await;
    let db = &test.app.db;
    let run = async |statement: &str| db.execute_unprepared(statement).await.unwrap();
    run("UPDATE users SET search_key = NULL WHERE email = 'ozge@test.com'").await;
    run("UPDATE users SET first_name = 'Ἑλένη', version = version + 1 WHERE email = 'mary@test.com'").await;
    run("UPDATE users SET version = version + 1 WHERE email = 'pat@test.com'").await;
    assert_eq!(found(&test, "OZGE@test").await.unwrap(), ["ozge"], "before its text is written");
    assert_eq!(found(&test, "BERG").await.unwrap(), ["mary"]);
    assert!(found(&test, "ΕΛΕΝΗ").await.unwrap().is_empty());

    assert_eq!(accounts::fill_search_keys(&test.app).await.unwrap(), 2);
    assert_eq!(accounts::fill_search_keys(&test.app).await.unwrap(), 0);
    for (text, expected) in [("özge", "ozge"), ("ΕΛΕΝΗ", "mary"), ("o'brien", "pat")] {
        assert_eq!(found(&test, text).await.unwrap(), [expected], "{text}");
    }
}
