//! PostgreSQL's keywords, as far as a rule of ours looks at them: all that are not plain names, and the plain ones that
//! begin or continue a construct. Every other word is a name.

/// What a keyword may still be used as (`kwlist.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// A name everywhere.
    Unreserved,
    /// A column or table name, but not a function or type name.
    ColName,
    /// A function or type name, but not a column or table name.
    TypeFunc,
    /// A name only after a dot or after `AS`.
    Reserved,
}

macro_rules! keywords {
    ($($variant:ident $word:literal $class:ident $bare:literal,)*) => {
        /// A keyword.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kw {
            $(
                #[doc = $word]
                $variant,
            )*
        }

        /// All keywords, sorted by word.
        const TABLE: &[(&str, Kw)] = &[$(($word, Kw::$variant),)*];

        impl Kw {
            /// The word, in lower case.
            pub(super) fn word(self) -> &'static str {
                match self {
                    $(Kw::$variant => $word,)*
                }
            }

            /// What it may be used as.
            pub(super) fn class(self) -> Class {
                match self {
                    $(Kw::$variant => Class::$class,)*
                }
            }

            /// True if it may label a column without `AS`.
            pub(super) fn is_bare_label(self) -> bool {
                match self {
                    $(Kw::$variant => $bare,)*
                }
            }
        }
    };
}

keywords! {
    Abort "abort" Unreserved true,
    All "all" Reserved true,
    Analyse "analyse" Reserved true,
    Analyze "analyze" Reserved true,
    And "and" Reserved true,
    Any "any" Reserved true,
    Array "array" Reserved false,
    As "as" Reserved false,
    Asc "asc" Reserved true,
    Asymmetric "asymmetric" Reserved true,
    At "at" Unreserved true,
    Authorization "authorization" TypeFunc true,
    Begin "begin" Unreserved true,
    Between "between" ColName true,
    Bigint "bigint" ColName true,
    Binary "binary" TypeFunc true,
    Bit "bit" ColName true,
    Boolean "boolean" ColName true,
    Both "both" Reserved true,
    Breadth "breadth" Unreserved true,
    By "by" Unreserved true,
    Cascade "cascade" Unreserved true,
    Case "case" Reserved true,
    Cast "cast" Reserved true,
    Char "char" ColName false,
    Character "character" ColName false,
    Characteristics "characteristics" Unreserved true,
    Check "check" Reserved true,
    Coalesce "coalesce" ColName true,
    Collate "collate" Reserved true,
    Collation "collation" TypeFunc true,
    Column "column" Reserved true,
    Commit "commit" Unreserved true,
    Concurrently "concurrently" TypeFunc true,
    Conflict "conflict" Unreserved true,
    Constraint "constraint" Reserved true,
    Constraints "constraints" Unreserved true,
    Continue "continue" Unreserved true,
    Copy "copy" Unreserved true,
    Create "create" Reserved false,
    Cross "cross" TypeFunc true,
    Cube "cube" Unreserved true,
    Current "current" Unreserved true,
    CurrentCatalog "current_catalog" Reserved true,
    CurrentDate "current_date" Reserved true,
    CurrentRole "current_role" Reserved true,
    CurrentSchema "current_schema" TypeFunc true,
    CurrentTime "current_time" Reserved true,
    CurrentTimestamp "current_timestamp" Reserved true,
    CurrentUser "current_user" Reserved true,
    Cycle "cycle" Unreserved true,
    Day "day" Unreserved false,
    Dec "dec" ColName true,
    Decimal "decimal" ColName true,
    Default "default" Reserved true,
    Deferrable "deferrable" Reserved true,
    Delete "delete" Unreserved true,
    Depth "depth" Unreserved true,
    Desc "desc" Reserved true,
    Distinct "distinct" Reserved true,
    Do "do" Reserved true,
    Document "document" Unreserved true,
    Double "double" Unreserved true,
    Else "else" Reserved true,
    End "end" Reserved true,
    Escape "escape" Unreserved true,
    Except "except" Reserved false,
    Exclude "exclude" Unreserved true,
    Exists "exists" ColName true,
    Explain "explain" Unreserved true,
    Extract "extract" ColName true,
    False "false" Reserved true,
    Fetch "fetch" Reserved false,
    Filter "filter" Unreserved false,
    First "first" Unreserved true,
    Float "float" ColName true,
    Following "following" Unreserved true,
    For "for" Reserved false,
    Foreign "foreign" Reserved true,
    Freeze "freeze" TypeFunc true,
    From "from" Reserved false,
    Full "full" TypeFunc true,
    Grant "grant" Reserved false,
    GraphTable "graph_table" ColName true,
    Greatest "greatest" ColName true,
    Group "group" Reserved false,
    Grouping "grouping" ColName true,
    Groups "groups" Unreserved true,
    Having "having" Reserved false,
    Hour "hour" Unreserved false,
    Identity "identity" Unreserved true,
    Ignore "ignore" Unreserved false,
    Ilike "ilike" TypeFunc true,
    In "in" Reserved true,
    Initially "initially" Reserved true,
    Inner "inner" TypeFunc true,
    Inout "inout" ColName true,
    Insert "insert" Unreserved true,
    Int "int" ColName true,
    Integer "integer" ColName true,
    Intersect "intersect" Reserved false,
    Interval "interval" ColName true,
    Into "into" Reserved false,
    Is "is" TypeFunc true,
    Isnull "isnull" TypeFunc false,
    Join "join" TypeFunc true,
    Json "json" ColName true,
    JsonArray "json_array" ColName true,
    JsonArrayagg "json_arrayagg" ColName true,
    JsonExists "json_exists" ColName true,
    JsonObject "json_object" ColName true,
    JsonObjectagg "json_objectagg" ColName true,
    JsonQuery "json_query" ColName true,
    JsonScalar "json_scalar" ColName true,
    JsonSerialize "json_serialize" ColName true,
    JsonTable "json_table" ColName true,
    JsonValue "json_value" ColName true,
    Key "key" Unreserved true,
    Language "language" Unreserved true,
    Last "last" Unreserved true,
    Lateral "lateral" Reserved true,
    Leading "leading" Reserved true,
    Least "least" ColName true,
    Left "left" TypeFunc true,
    Like "like" TypeFunc true,
    Limit "limit" Reserved false,
    Local "local" Unreserved true,
    Localtime "localtime" Reserved true,
    Localtimestamp "localtimestamp" Reserved true,
    Lock "lock" Unreserved true,
    Locked "locked" Unreserved true,
    Matched "matched" Unreserved true,
    Materialized "materialized" Unreserved true,
    Merge "merge" Unreserved true,
    MergeAction "merge_action" ColName true,
    Minute "minute" Unreserved false,
    Mode "mode" Unreserved true,
    Month "month" Unreserved false,
    Names "names" Unreserved true,
    National "national" ColName true,
    Natural "natural" TypeFunc true,
    Nchar "nchar" ColName true,
    Next "next" Unreserved true,
    No "no" Unreserved true,
    None "none" ColName true,
    Normalize "normalize" ColName true,
    Normalized "normalized" Unreserved true,
    Not "not" Reserved true,
    Nothing "nothing" Unreserved true,
    Notnull "notnull" TypeFunc false,
    Nowait "nowait" Unreserved true,
    Null "null" Reserved true,
    Nullif "nullif" ColName true,
    Nulls "nulls" Unreserved true,
    Numeric "numeric" ColName true,
    Of "of" Unreserved true,
    Offset "offset" Reserved false,
    On "on" Reserved false,
    Only "only" Reserved true,
    Operator "operator" Unreserved true,
    Or "or" Reserved true,
    Order "order" Reserved false,
    Ordinality "ordinality" Unreserved true,
    Others "others" Unreserved true,
    Out "out" ColName true,
    Outer "outer" TypeFunc true,
    Over "over" Unreserved false,
    Overlaps "overlaps" TypeFunc false,
    Overlay "overlay" ColName true,
    Overriding "overriding" Unreserved true,
    Partition "partition" Unreserved true,
    Placing "placing" Reserved true,
    Position "position" ColName true,
    Preceding "preceding" Unreserved true,
    Precision "precision" ColName false,
    Prepare "prepare" Unreserved true,
    Primary "primary" Reserved true,
    Program "program" Unreserved true,
    Range "range" Unreserved true,
    Real "real" ColName true,
    Recursive "recursive" Unreserved true,
    References "references" Reserved true,
    Release "release" Unreserved true,
    Repeatable "repeatable" Unreserved true,
    Reset "reset" Unreserved true,
    Respect "respect" Unreserved false,
    Restart "restart" Unreserved true,
    Restrict "restrict" Unreserved true,
    Returning "returning" Reserved false,
    Right "right" TypeFunc true,
    Role "role" Unreserved true,
    Rollback "rollback" Unreserved true,
    Rollup "rollup" Unreserved true,
    Row "row" ColName true,
    Rows "rows" Unreserved true,
    Savepoint "savepoint" Unreserved true,
    Schema "schema" Unreserved true,
    Search "search" Unreserved true,
    Second "second" Unreserved false,
    Select "select" Reserved true,
    Session "session" Unreserved true,
    SessionUser "session_user" Reserved true,
    Set "set" Unreserved true,
    Setof "setof" ColName true,
    Sets "sets" Unreserved true,
    Share "share" Unreserved true,
    Show "show" Unreserved true,
    Similar "similar" TypeFunc true,
    Skip "skip" Unreserved true,
    Smallint "smallint" ColName true,
    Some "some" Reserved true,
    Source "source" Unreserved true,
    Start "start" Unreserved true,
    Statistics "statistics" Unreserved true,
    Stdin "stdin" Unreserved true,
    Stdout "stdout" Unreserved true,
    Substring "substring" ColName true,
    Symmetric "symmetric" Reserved true,
    System "system" Unreserved true,
    SystemUser "system_user" Reserved true,
    Table "table" Reserved true,
    Tablesample "tablesample" TypeFunc true,
    Target "target" Unreserved true,
    Temp "temp" Unreserved true,
    Temporary "temporary" Unreserved true,
    Then "then" Reserved true,
    Ties "ties" Unreserved true,
    Time "time" ColName true,
    Timestamp "timestamp" ColName true,
    To "to" Reserved false,
    Trailing "trailing" Reserved true,
    Transaction "transaction" Unreserved true,
    Treat "treat" ColName true,
    Trim "trim" ColName true,
    True "true" Reserved true,
    Truncate "truncate" Unreserved true,
    Uescape "uescape" Unreserved true,
    Unbounded "unbounded" Unreserved true,
    Union "union" Reserved false,
    Unique "unique" Reserved true,
    Unknown "unknown" Unreserved true,
    Unlogged "unlogged" Unreserved true,
    Update "update" Unreserved true,
    User "user" Reserved true,
    Using "using" Reserved true,
    Value "value" Unreserved true,
    Values "values" ColName true,
    Varchar "varchar" ColName true,
    Variadic "variadic" Reserved true,
    Varying "varying" Unreserved false,
    Verbose "verbose" TypeFunc true,
    When "when" Reserved true,
    Where "where" Reserved false,
    Window "window" Reserved false,
    With "with" Reserved false,
    Within "within" Unreserved false,
    Without "without" Unreserved false,
    Xmlattributes "xmlattributes" ColName true,
    Xmlconcat "xmlconcat" ColName true,
    Xmlelement "xmlelement" ColName true,
    Xmlexists "xmlexists" ColName true,
    Xmlforest "xmlforest" ColName true,
    Xmlnamespaces "xmlnamespaces" ColName true,
    Xmlparse "xmlparse" ColName true,
    Xmlpi "xmlpi" ColName true,
    Xmlroot "xmlroot" ColName true,
    Xmlserialize "xmlserialize" ColName true,
    Xmltable "xmltable" ColName true,
    Year "year" Unreserved false,
    Zone "zone" Unreserved true,
}

/// The longest keyword, in bytes.
const LONGEST: usize = 17;

impl Kw {
    /// The keyword that `word` is, in any case.
    pub(super) fn from_word(word: &str) -> Option<Kw> {
        let mut buffer = [0; LONGEST];
        let lower = buffer.get_mut(..word.len())?;
        lower.copy_from_slice(word.as_bytes());
        lower.make_ascii_lowercase();
        let found = TABLE.binary_search_by(|(keyword, _)| keyword.as_bytes().cmp(lower)).ok()?;
        TABLE.get(found).map(|(_, keyword)| *keyword)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_fits_the_buffer() {
        assert!(TABLE.is_sorted_by_key(|(word, _)| *word));
        assert_eq!(TABLE.iter().map(|(word, _)| word.len()).max(), Some(LONGEST));
        assert!(TABLE.iter().all(|(word, keyword)| Kw::from_word(word) == Some(*keyword)));
        assert_eq!(Kw::from_word("SeLeCt"), Some(Kw::Select));
        assert_eq!(Kw::from_word("tenant_id"), None);
    }
}
