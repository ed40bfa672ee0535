//! What tables hold, what is said of broken ones, and what they weigh.

use std::time::Instant;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn typed(types: &[(&str, CellType)]) -> Vec<(String, CellType)> {
    types.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
}

fn load(text: &str, format: Format) -> Table {
    Table::load(text.into(), format, &[]).unwrap()
}

fn rows(table: &Table) -> Vec<Value> {
    (0..table.len()).map(|index| table.row(index).unwrap()).collect()
}

/// Place and message of what is broken.
fn broken(bytes: impl Into<Vec<u8>>, format: Format, types: &[(&str, CellType)]) -> String {
    let broken = Table::load(bytes.into(), format, &typed(types)).unwrap_err();
    let first = |text: &str| text.chars().next().unwrap();
    assert!(first(&broken.what).is_lowercase() || first(&broken.what) == '`', "{broken}");
    assert!(first(&broken.help).is_lowercase() && !broken.help.ends_with('.'), "{}", broken.help);
    assert!(!broken.what.contains("invalid"), "{broken}");
    broken.to_string()
}

fn help(text: &str, format: Format, types: &[(&str, CellType)]) -> String {
    Table::load(text.into(), format, &typed(types)).unwrap_err().help
}

#[test]
fn tables_are_shared_between_threads() {
    fn shared<T: Send + Sync + Clone>(_: &T) {}
    let table = load("a\n1\n", Format::Csv);
    shared(&table);
    assert_eq!(format!("{table:?}"), r#"Table { len: 1, columns: Some(["a"]), .. }"#);
}

#[test]
fn csv_has_quotes_and_either_line_end_and_blank_lines() {
    let text = "\u{feff}\r\nquery,note\r\n\r\nrust,\"a, \"\"b\"\"\r\nc\"\n\n,\nlast,\"\"";
    let table = load(text, Format::Csv);
    assert_eq!(table.columns().unwrap(), ["query", "note"]);
    assert_eq!(
        rows(&table),
        [
            json!({ "query": "rust", "note": "a, \"b\"\r\nc" }),
            json!({ "query": "", "note": "" }),
            json!({ "query": "last", "note": "" }),
        ]
    );
    assert_eq!(table.row(3), None);
    assert_eq!(table.row(u64::MAX), None);
}

#[test]
fn cells_have_the_types_that_are_declared() {
    let text =
        "i,n,b,j,t\n9223372036854775807,18446744073709551615,true,\"{\"\"a\"\": [1]}\",007\n -5 , 1e3,false, null ,\n";
    let types = typed(&[
        ("i", CellType::Int),
        ("n", CellType::Number),
        ("b", CellType::Bool),
        ("j", CellType::Json),
        ("t", CellType::Text),
    ]);
    let table = Table::load(text.into(), Format::Csv, &types).unwrap();
    assert_eq!(
        rows(&table),
        [
            json!({ "i": i64::MAX, "n": u64::MAX, "b": true, "j": { "a": [1] }, "t": "007" }),
            json!({ "i": -5, "n": 1000.0, "b": false, "j": null, "t": "" }),
        ]
    );
    assert_eq!(CellType::ALL.map(CellType::word), ["text", "int", "number", "bool", "json"]);
}

#[test]
fn what_is_broken_in_csv_has_a_place() {
    let csv = |text: &str| broken(text, Format::Csv, &[]);
    assert_eq!(csv("a,b\n1,2\nü1,2,3\n"), "3:6: a cell too many: the header has 2");
    assert_eq!(csv("a,b\r\n1,2,\r\n"), "2:5: a cell too many: the header has 2");
    assert_eq!(csv("a,b,c\n1,\"2\n3\"\n"), "3:3: the row ends after cell 2 of 3");
    assert_eq!(csv("a\n1\n\"2\n3\n"), "3:1: a quote that is never closed");
    assert_eq!(csv("a,\"b\n"), "1:3: a quote that is never closed");
    assert_eq!(csv("a,b\n1,\"2\"3\n"), "2:6: text behind a closing quote");
    assert_eq!(csv("a,b\n1,5\" pipe\n"), "2:4: a quote in a cell without quotes around it");
    assert_eq!(csv("a,b\r1,2\r"), "1:4: a carriage return alone");
    assert_eq!(csv("\na,,c\n1,2,3\n"), "2:3: a column without a name");
    assert_eq!(csv("ä,b,\"ä\"\n1,2,3\n"), "1:5: a second column `ä`");
    assert_eq!(csv(""), "1:1: no header row and no rows");
    assert_eq!(csv("\u{feff}\r\n\n"), "3:1: no header row and no rows");
    assert_eq!(csv("a,b\n\n"), "3:1: no rows");
    assert_eq!(help("a,b\n1\n", Format::Csv, &[]), "add a cell for `b`; it may be empty");
}

#[test]
fn cells_that_do_not_fit_their_type_have_a_place() {
    let cell = |cell: &str, kind| broken(format!("q,v\nü,{cell}\n"), Format::Csv, &[("v", kind)]);
    assert_eq!(cell("many", CellType::Int), "2:3: `many` does not fit `v: int`");
    assert_eq!(cell("\"1\n2\"", CellType::Int), "2:3: `1\u{fffd}2` does not fit `v: int`");
    for text in ["1.5", "1e3", "007", "+5", "9223372036854775808", "0x10"] {
        assert_eq!(cell(text, CellType::Int), format!("2:3: `{text}` does not fit `v: int`"));
    }
    for text in ["inf", "NaN", "1e999", ".5", "1 2"] {
        assert_eq!(cell(text, CellType::Number), format!("2:3: `{text}` does not fit `v: number`"));
    }
    assert_eq!(cell("yes", CellType::Bool), "2:3: `yes` does not fit `v: bool`");
    assert_eq!(cell("{", CellType::Json), "2:3: `{` does not fit `v: json`");
    assert_eq!(cell("", CellType::Int), "2:3: an empty cell does not fit `v: int`");
    let deep = "[".repeat(200);
    assert_eq!(cell(&deep, CellType::Json), format!("2:3: `{}…` does not fit `v: json`", "[".repeat(40)));
}

#[test]
fn a_type_for_no_column_is_broken_and_offers_the_nearest() {
    let types = [("limti", CellType::Int)];
    assert_eq!(broken("\nquery,limit\na,1\n", Format::Csv, &types), "2:1: `limti` has a type and is no column");
    assert_eq!(help("query,limit\na,1\n", Format::Csv, &types), "write `limit` in `types`");
    let far = [("other", CellType::Int)];
    assert_eq!(help("query,limit\na,1\n", Format::Csv, &far), "name one of the columns: `query`, `limit`");
    let wide: Vec<String> = (0..20).map(|column| format!("column {column}")).collect();
    assert_eq!(help(&wide.join(","), Format::Csv, &far), "name one of the 20 columns");
    for format in [Format::Json, Format::Jsonl] {
        assert_eq!(broken("", format, &far), "1:1: the values of JSON have types of their own");
    }
}

#[test]
fn what_is_no_utf8_has_a_place() {
    for format in [Format::Csv, Format::Json, Format::Jsonl] {
        assert_eq!(broken(b"a\n\xc3\xa4b\xff\n".as_slice(), format, &[]), "2:3: a byte that is no UTF-8");
        assert_eq!(broken(b"\xef\xbb\xbfa\xff".as_slice(), format, &[]), "1:2: a byte that is no UTF-8");
        assert_eq!(broken(b"\xff\xfea\0".as_slice(), format, &[]), "1:1: a byte that is no UTF-8");
    }
}

#[test]
fn json_is_a_list_of_objects_with_nested_values_and_exact_whole_numbers() {
    let text = "\u{feff}\n[ {\"a\": 18446744073709551615, \"b\": {\"c\": [1, null]}},\n{\"d\": -9223372036854775808}\n, {} ]\n";
    let table = load(text, Format::Json);
    assert_eq!(table.columns().unwrap(), ["a", "b", "d"]);
    let expected = [json!({ "a": u64::MAX, "b": { "c": [1, null] } }), json!({ "d": i64::MIN }), json!({})];
    assert_eq!(rows(&table), expected);
    let objects = expected.map(|row| row.as_object().unwrap().clone()).to_vec();
    let inline = Table::inline(objects);
    assert_eq!(rows(&inline), rows(&table));
    assert_eq!(inline.columns(), table.columns());
    assert!(Table::inline(Vec::new()).is_empty());
}

#[test]
fn what_is_broken_in_json_has_a_place() {
    let json = |text: &str| broken(text, Format::Json, &[]);
    assert_eq!(json(""), "1:1: no rows");
    assert_eq!(json("\n []"), "2:3: no rows");
    assert_eq!(json("\n {\"a\": 1}"), "2:2: an object where the list of rows begins");
    assert_eq!(json("a,b\n"), "1:1: the file does not begin with `[`");
    assert_eq!(json("[{\"a\": 1},\n 5]"), "2:2: a number where a row begins");
    assert_eq!(json("[[1]]"), "1:2: a list where a row begins");
    assert_eq!(json("[\"a\"]"), "1:2: a text where a row begins");
    assert_eq!(json("[null]"), "1:2: `null` where a row begins");
    assert_eq!(json("[,]"), "1:2: `,` where a row begins");
    assert_eq!(json("[{\"ä\": 1}\n {\"a\": 2}]"), "2:2: no comma between two rows");
    assert_eq!(json("[{\"ä\": 1}\n, ]"), "2:1: a comma behind the last row");
    assert_eq!(json("[{\"ä\": 1}] x"), "1:12: text behind the list of rows");
    assert_eq!(json("["), "1:2: nothing where a row begins");
    assert_eq!(json("[{\"a\": 1}\n"), "1:10: the file ends inside the list of rows");
    assert_eq!(json("[{\"a\": 1},\n\n"), "1:11: the file ends inside the list of rows");
    assert_eq!(json("[{\"ä\": \"b\", \"c\"\n"), "1:16: the row ends inside an object");
    assert_eq!(json("[{},\n{\"ä\": nul}]"), "2:10: expected ident");
    assert_eq!(json("[{},\n{\"ä\":\n  1,}]"), "3:5: trailing comma");
    assert_eq!(json("[{\"ä\": 1, b: 2}]"), "1:11: key must be a string");
    assert_eq!(json("[{\"ä\": \"\\x\"}]"), "1:10: malformed escape");
    assert_eq!(json("[{\"ä\": \"b\nc\"}]"), "1:10: control character (\\u0000-\\u001F) found while parsing a string");
    assert_eq!(json("[{\"ä\": 1e999}]"), "1:12: number out of range");
}

#[test]
fn what_is_broken_in_jsonl_has_a_place() {
    let jsonl = |text: &str| broken(text, Format::Jsonl, &[]);
    assert_eq!(jsonl(""), "1:1: no rows");
    assert_eq!(jsonl("\n \r\n"), "3:1: no rows");
    assert_eq!(jsonl("{\"ä\": 1}\n\n {\"ä\": 2} {}\n"), "3:11: more than one object on a line");
    assert_eq!(jsonl("{\"a\": 1}\r\n[1]\r\n"), "2:1: a list where a row begins");
    assert_eq!(jsonl("{\"ä\":\n1}\n"), "1:6: the row ends inside a value");
    assert_eq!(jsonl("{\"a\": 1}\n{\"ä\": \"b\n"), "2:9: the row ends inside a string");
    assert_eq!(jsonl("{\"a\": 1}\n{\"ä\": ?}\n"), "2:7: expected value");
    let table = load("\n {\"a\": 1} \r\n\n{\"b\": [2]}", Format::Jsonl);
    assert_eq!(rows(&table), [json!({ "a": 1 }), json!({ "b": [2] })]);
}

#[test]
fn only_a_table_without_rows_is_called_empty() {
    let empty = |text: &str, format| Table::load(text.into(), format, &[]).unwrap_err().empty;
    for (text, format) in [("", Format::Csv), ("a\n", Format::Csv), ("[]", Format::Json), ("\n", Format::Jsonl)] {
        assert!(empty(text, format), "{text:?}");
    }
    for (text, format) in [("a,a\n", Format::Csv), ("[", Format::Json), ("{", Format::Jsonl)] {
        assert!(!empty(text, format), "{text:?}");
    }
}

#[test]
fn the_limits_hold_at_their_values_and_not_beyond() {
    let within = |bytes: &str, most| Table::load_within(bytes.into(), Format::Csv, &[], most);
    assert_eq!(within("a\n1\n", 4).unwrap().len(), 1);
    assert_eq!(within("a\n1\n", 3).unwrap_err().to_string(), "1:1: the file is larger than 3 bytes");

    let wide = |columns: usize| {
        let names: Vec<String> = (0..columns).map(|column| column.to_string()).collect();
        format!("{0}\n{0}\n", names.join(","))
    };
    assert_eq!(load(&wide(MAX_COLUMNS), Format::Csv).columns().unwrap().len(), MAX_COLUMNS);
    assert!(broken(wide(MAX_COLUMNS + 1), Format::Csv, &[]).ends_with(": more than 4096 columns"));

    let keys = |keys: usize| {
        let rows: Vec<Value> = (0..keys).map(|key| json!({ key.to_string(): key })).collect();
        load(&json!(rows).to_string(), Format::Json)
    };
    assert_eq!(keys(MAX_KEYS).columns().unwrap().len(), MAX_KEYS);
    assert_eq!(keys(MAX_KEYS + 1).columns(), None);

    let nested = |depth: usize| format!("[{{\"a\": {}{}}}]", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(load(&nested(126), Format::Json).len(), 1);
    assert_eq!(broken(nested(200), Format::Json, &[]), "1:134: recursion limit exceeded");
}

/// Loads `count` rows and holds their memory against what the room promises.
fn weigh(count: u64) {
    let mut csv = String::from("id,query,limit\n");
    let mut jsonl = String::new();
    for row in 0..count {
        csv.push_str(&format!("{row},\"words, and {row}\",5\n"));
        jsonl.push_str(&format!("{{\"id\": {row}, \"query\": \"words, and {row}\", \"limit\": 5}}\n"));
    }
    let json = format!("[{}]", jsonl.trim_end().replace('\n', ",\n"));
    let types = typed(&[("id", CellType::Int), ("limit", CellType::Int)]);
    for (text, format, types) in
        [(csv, Format::Csv, types.as_slice()), (json, Format::Json, &[]), (jsonl, Format::Jsonl, &[])]
    {
        let size = text.len();
        let start = Instant::now();
        let table = Table::load(text.into(), format, types).unwrap();
        let time = start.elapsed();
        println!("{format:?}: {count} rows of {size} bytes take {} bytes, loaded in {time:?}", table.memory_bytes());
        assert_eq!(table.len(), count);
        assert!(table.memory_bytes() <= size + 4 * usize::try_from(count).unwrap() + 1024);
        for row in [0, count / 2, count - 1] {
            let query = format!("words, and {row}");
            assert_eq!(table.row(row), Some(json!({ "id": row, "query": query, "limit": 5 })));
        }
    }
}

#[test]
fn a_row_takes_its_text_and_four_bytes() {
    weigh(50_000);
}

#[test]
fn blank_lines_are_read_once() {
    let blank = "\n".repeat(300_000);
    assert_eq!(load(&format!("{blank}{{}}{blank}"), Format::Jsonl).len(), 1);
    assert_eq!(load(&format!("{blank}a{blank}1{blank}"), Format::Csv).len(), 1);
}

#[test]
#[ignore = "takes seconds; `cargo test --release --lib data -- --ignored --nocapture` prints the load times"]
fn a_million_rows_take_their_text_and_four_bytes_each() {
    weigh(1_000_000);
}

#[test]
fn rows_in_the_scenario_file_are_weighed_roughly() {
    let row = json!({ "a": ["text", 1, { "b": null }] }).as_object().unwrap().clone();
    let one = Table::inline(vec![row.clone()]).memory_bytes();
    let three = Table::inline(vec![row; 3]).memory_bytes();
    assert!(one > 100 && three > one + 200, "{one} and {three}");
}

fn any_table() -> impl Strategy<Value = (Vec<String>, Vec<Vec<String>>)> {
    let cell = prop_oneof![any::<String>(), "[a\", \r\n]{0,6}"];
    prop::collection::btree_set(".{1,6}", 1..5).prop_flat_map(move |names| {
        let columns = names.len();
        let row = prop::collection::vec(cell.clone(), columns);
        (Just(names.into_iter().collect()), prop::collection::vec(row, 1..8))
    })
}

fn objects(names: &[String], rows: &[Vec<String>]) -> Vec<Value> {
    let object = |row: &Vec<String>| names.iter().cloned().zip(row.iter().cloned().map(Value::String)).collect();
    rows.iter().map(|row| Value::Object(object(row))).collect()
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 3, |inside| {
        prop_oneof![
            prop::collection::vec(inside.clone(), 0..3).prop_map(Value::from),
            prop::collection::btree_map(any::<String>(), inside, 0..3)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn any_row() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map(any::<String>(), any_json(), 0..4).prop_map(|row| row.into_iter().collect())
}

/// Loads whatever it is; all rows of what loads are there.
fn survives(bytes: &[u8]) {
    let some_types = typed(&[("a", CellType::Int)]);
    for format in [Format::Csv, Format::Json, Format::Jsonl] {
        for types in [&[], some_types.as_slice()] {
            match Table::load(bytes.to_vec(), format, types) {
                Ok(table) => assert_eq!(rows(&table).len() as u64, table.len()),
                Err(broken) => assert!(broken.line >= 1 && broken.column >= 1),
            }
        }
    }
}

proptest! {
    #[test]
    fn what_a_csv_writer_writes_reads_back((names, cells) in any_table(), crlf: bool) {
        // A mark before the first name is taken for the file's.
        prop_assume!(!names[0].starts_with('\u{feff}'));
        let terminator = if crlf { ::csv::Terminator::CRLF } else { ::csv::Terminator::Any(b'\n') };
        let mut writer = ::csv::WriterBuilder::new().terminator(terminator).from_writer(Vec::new());
        writer.write_record(&names).unwrap();
        cells.iter().for_each(|row| writer.write_record(row).unwrap());
        let table = Table::load(writer.into_inner().unwrap(), Format::Csv, &[]).unwrap();
        prop_assert_eq!(table.columns().unwrap(), &names[..]);
        prop_assert_eq!(rows(&table), objects(&names, &cells));
    }

    #[test]
    fn what_serde_writes_reads_back(objects in prop::collection::vec(any_row(), 1..6), pretty: bool) {
        let expected: Vec<Value> = objects.iter().cloned().map(Value::Object).collect();
        let json = if pretty { serde_json::to_string_pretty(&objects) } else { serde_json::to_string(&objects) };
        prop_assert_eq!(&rows(&load(&json.unwrap(), Format::Json)), &expected);
        let lines: Vec<String> = expected.iter().map(Value::to_string).collect();
        prop_assert_eq!(&rows(&load(&lines.join("\n"), Format::Jsonl)), &expected);
        prop_assert_eq!(rows(&Table::inline(objects)), expected);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>) {
        survives(&bytes);
    }

    #[test]
    fn no_text_that_is_nearly_right_makes_it_panic(text in "[a1,:\"\\\\{}\\[\\] \r\nü\u{feff}]{0,24}") {
        survives(text.as_bytes());
    }

    #[test]
    fn a_broken_place_lies_in_the_file(text in "[a1,:\"{}\\[\\] \r\nü]{0,24}") {
        for format in [Format::Csv, Format::Json, Format::Jsonl] {
            if let Err(broken) = Table::load(text.clone().into(), format, &[]) {
                let line = text.split('\n').nth(usize::try_from(broken.line - 1).unwrap());
                let length = line.map(|line| line.chars().count() as u64);
                prop_assert!(length.is_some_and(|length| broken.column <= length + 1), "{}", broken);
            }
        }
    }
}
