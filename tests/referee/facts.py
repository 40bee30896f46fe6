"""What libpg_query reads in a text, as the nested lists that `cargo run -p tenantry-prover --example print` makes of ours:
for each level of a statement its relations, joins, named columns and the levels below; of writes the target, the assigned
columns and what a conflict is about.
"""
import json


def render(value):
    """A value as it is compared, and sorted by."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def strings(nodes):
    return [node["String"]["sval"] for node in nodes or []]


def alias(node, columns=None):
    if not node:
        return None
    return [node["aliasname"], columns if columns is not None else strings(node.get("colnames"))]


def range_name(node):
    return [node[key] for key in ("catalogname", "schemaname", "relname") if node.get(key)]


def range_var(node, sampled=False):
    return ["table", range_name(node), not node.get("inh", False), alias(node.get("alias")), sampled]


# Statements that touch no row.
ROWLESS = {
    "TransactionStmt", "VacuumStmt", "ReindexStmt", "ClusterStmt", "RepackStmt", "CheckPointStmt", "ListenStmt",
    "UnlistenStmt", "NotifyStmt", "DiscardStmt",
}


def statement(node):
    """What a statement is, or a list with its kind alone."""
    (kind, body), = node.items()
    if kind in READERS:
        return READERS[kind](body)
    if kind in ROWLESS:
        return ["rowless"]
    return [kind]


def set_statement(node):
    if node["kind"] == "VAR_SET_MULTI":
        return ["rowless"]
    name = "all" if node["kind"] == "VAR_RESET_ALL" else node["name"].lower()
    return ["set", name, node.get("is_local", False)]


def do_statement(node):
    options = {item["DefElem"]["defname"]: item["DefElem"]["arg"]["String"]["sval"] for item in node["args"]}
    return ["do", options.get("language", "plpgsql"), options["as"]]


def copy_statement(node):
    if "query" in node:
        return ["copy", statement(node["query"])]
    return ["copy", range_name(node["relation"]), node.get("is_from", False)]


def names_in(*nodes):
    level = Level("names")
    for node in nodes:
        level.walk(node)
    return level.names()


def relation(node):
    (kind, body), = node.items()
    if kind == "RangeVar":
        return range_var(body)
    if kind == "RangeTableSample":
        return range_var(body["relation"]["RangeVar"], sampled=True)
    if kind == "RangeSubselect":
        query = statement(body["subquery"])
        return ["derived", body.get("lateral", False), alias(body.get("alias")), query]
    if kind == "RangeFunction":
        return range_function(body)
    if kind == "JoinExpr":
        return join(body)
    return [kind]


def range_function(node):
    calls = [item["List"]["items"][0] for item in node["functions"]]
    columns = None
    if "coldeflist" in node:
        columns = [item["ColumnDef"]["colname"] for item in node["coldeflist"]]
    name = alias(node.get("alias"), columns)
    if name is None and columns is not None:
        # Columns without an alias are under the function's own name.
        (kind, call), = calls[0].items()
        called = strings(call["funcname"])[-1] if kind == "FuncCall" else kind.removesuffix("Expr").lower()
        name = [called, columns]
    return ["function", str(len(calls)), node.get("ordinality", False), name, names_in(*calls)]


def join(node):
    constraint = None
    if node.get("isNatural"):
        constraint = "natural"
    elif "usingClause" in node:
        using = node.get("join_using_alias")
        constraint = ["using", strings(node["usingClause"]), using["aliasname"] if using else None]
    elif "quals" in node:
        constraint = ["on", names_in(node["quals"])]
    kind = node["jointype"].removeprefix("JOIN_").lower()
    joined = ["join", kind, relation(node["larg"]), relation(node["rarg"]), constraint]
    return ["aliased", alias(node["alias"]), joined] if "alias" in node else joined


class Level:
    """What is collected of one level."""

    def __init__(self, kind):
        self.kind = kind
        self.with_, self.rels, self.columns, self.inner = [], [], [], []
        self.arms, self.labels, self.more, self.locks = [], [], [], 0

    def names(self):
        return [sorted(self.columns), sorted(self.inner, key=render)]

    def done(self):
        return [self.kind, self.with_, self.rels, self.names(), self.arms, self.labels, self.more, str(self.locks)]

    def with_clause(self, node):
        if not node:
            return
        self.with_.append(node.get("recursive", False))
        for item in node["ctes"]:
            cte = item["CommonTableExpr"]
            materialized = cte.get("ctematerialized") == "CTEMaterializeAlways"
            columns = strings(cte.get("aliascolnames"))
            self.with_.append([cte["ctename"], columns, materialized, statement(cte["ctequery"])])

    def items(self, nodes):
        for item in nodes or []:
            self.labels.append(item["ResTarget"].get("name"))
            self.walk(item["ResTarget"]["val"])

    def assignments(self, nodes):
        """Assignments; the columns of a row form stand together."""
        for item in nodes or []:
            target = item["ResTarget"]
            name, part = target["name"], "indirection" in target
            row = target["val"].get("MultiAssignRef")
            if row and row["colno"] > 1:
                self.more[-1][0].append(name)
                self.more[-1][1] |= part
            else:
                self.more.append([[name], part])
                self.walk(row["source"] if row else target["val"])

    def walk(self, node):
        """All columns and queries in an expression or a clause."""
        if isinstance(node, list):
            for item in node:
                self.walk(item)
        elif isinstance(node, dict):
            for kind, body in node.items():
                if kind == "ColumnRef":
                    parts = [part["String"]["sval"] if "String" in part else "*" for part in body["fields"]]
                    self.columns.append(".".join(parts))
                elif kind == "SelectStmt":
                    self.inner.append(select(body))
                else:
                    self.walk(body)


def select(node):
    operation = node.get("op", "SETOP_NONE")
    if operation != "SETOP_NONE":
        level = Level(operation.removeprefix("SETOP_").lower())
        level.more.append(node.get("all", False))
        level.arms = [select(node["larg"]), select(node["rarg"])]
    elif "valuesLists" in node:
        level = Level("values")
        level.more.append(str(len(node["valuesLists"])))
        level.walk(node["valuesLists"])
    else:
        level = select_body(node)
    level.with_clause(node.get("withClause"))
    for key in ("sortClause", "limitCount", "limitOffset"):
        level.walk(node.get(key))
    level.locks = len(node.get("lockingClause", []))
    return level.done()


def select_body(node):
    level = Level("select")
    if "distinctClause" in node:
        # `DISTINCT` alone is a list of one empty node.
        on = node["distinctClause"] != [{}]
        level.more.append("distinct on" if on else "distinct")
        level.walk(node["distinctClause"])
    if "intoClause" in node:
        level.more.append("into")
    level.items(node.get("targetList"))
    level.rels = [relation(item) for item in node.get("fromClause", [])]
    for key in ("whereClause", "groupClause", "havingClause", "windowClause"):
        level.walk(node.get(key))
    return level


def returning(level, node):
    level.items(node.get("returningClause", {}).get("exprs"))
    return level.done()


def insert(node):
    level = Level("insert")
    level.with_clause(node.get("withClause"))
    level.rels.append(range_var(node["relation"]))
    level.more.append([item["ResTarget"]["name"] for item in node.get("cols", [])])
    if "selectStmt" in node:
        level.arms.append(statement(node["selectStmt"]))
    if "onConflictClause" in node:
        level.more.append(conflict(node["onConflictClause"]))
    return returning(level, node)


def conflict(node):
    target = None
    infer = node.get("infer", {})
    if "conname" in infer:
        target = ["constraint", infer["conname"]]
    elif infer:
        elements = [index_element(item["IndexElem"]) for item in infer["indexElems"]]
        target = ["columns", elements, names_in(infer.get("whereClause"))]
    if node["action"] == "ONCONFLICT_NOTHING":
        return ["conflict", target, "nothing"]
    level = Level("set")
    level.assignments(node["targetList"])
    level.walk(node.get("whereClause"))
    return ["conflict", target, level.done()]


def column_of(node):
    """The column that an index element is, in parentheses or not, or none."""
    fields = node.get("expr", {}).get("ColumnRef", {}).get("fields", [])
    if len(fields) == 1 and "String" in fields[0]:
        return fields[0]["String"]["sval"]
    return node.get("name")


def index_element(node):
    element = column_of(node) or names_in(node["expr"])
    return ["collate", element, strings(node["collation"])] if "collation" in node else element


def update(node):
    level = Level("update")
    level.with_clause(node.get("withClause"))
    level.rels = [range_var(node["relation"])] + [relation(item) for item in node.get("fromClause", [])]
    level.assignments(node["targetList"])
    level.walk(node.get("whereClause"))
    return returning(level, node)


def delete(node):
    level = Level("delete")
    level.with_clause(node.get("withClause"))
    level.rels = [range_var(node["relation"])] + [relation(item) for item in node.get("usingClause", [])]
    level.walk(node.get("whereClause"))
    return returning(level, node)


WHEN = {
    "MERGE_WHEN_MATCHED": "matched",
    "MERGE_WHEN_NOT_MATCHED_BY_TARGET": "not matched",
    "MERGE_WHEN_NOT_MATCHED_BY_SOURCE": "not matched by source",
}


def merge(node):
    level = Level("merge")
    level.with_clause(node.get("withClause"))
    level.rels = [range_var(node["relation"]), relation(node["sourceRelation"])]
    level.more.append(names_in(node["joinCondition"]))
    for item in node["mergeWhenClauses"]:
        clause = item["MergeWhenClause"]
        action = Level(WHEN[clause["matchKind"]])
        action.walk(clause.get("condition"))
        kind = clause["commandType"].removeprefix("CMD_").lower()
        action.more.append(kind)
        if kind == "update":
            action.assignments(clause["targetList"])
        elif kind == "insert":
            action.more.append([target["ResTarget"]["name"] for target in clause.get("targetList", [])])
            action.walk(clause.get("values"))
        level.arms.append(action.done())
    return returning(level, node)


READERS = {
    "SelectStmt": select,
    "InsertStmt": insert,
    "UpdateStmt": update,
    "DeleteStmt": delete,
    "MergeStmt": merge,
    "TruncateStmt": lambda node: ["truncate", [range_name(item["RangeVar"]) for item in node["relations"]]],
    "LockStmt": lambda node: ["lock", [range_name(item["RangeVar"]) for item in node["relations"]]],
    "CopyStmt": copy_statement,
    "ExplainStmt": lambda node: ["explain", statement(node["query"])],
    "VariableSetStmt": set_statement,
    "VariableShowStmt": lambda node: ["show", node["name"].lower()],
    "DoStmt": do_statement,
}


def of_text(tree):
    """The facts of all statements of a text, from its tree."""
    return [statement(item["stmt"]) for item in tree.get("stmts", [])]


def difference(want, got, path=""):
    """Where two lists first differ, for a person."""
    if isinstance(want, list) and isinstance(got, list) and len(want) == len(got):
        for index, (left, right) in enumerate(zip(want, got)):
            if left != right:
                return difference(left, right, f"{path}/{index}")
    return f"at {path or '/'} PostgreSQL has {render(want)[:300]}, we have {render(got)[:300]}"
