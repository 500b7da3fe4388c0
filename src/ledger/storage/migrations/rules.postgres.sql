-- What the migrations make, as the catalogue tells it: one line for each column, constraint, index,
-- trigger, function and sequence of the current schema.
WITH mine AS (
    SELECT c.oid, c.relname, c.relkind FROM pg_class c
    WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
)
SELECT replace(line, quote_ident(current_schema()) || '.', '') FROM (
    SELECT 'column ' || m.relname || '.' || a.attname || E'\t' || format_type(a.atttypid, a.atttypmod)
        || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END
        || CASE WHEN a.attidentity <> '' THEN ' IDENTITY' ELSE '' END
        || coalesce(' DEFAULT ' || pg_get_expr(d.adbin, d.adrelid), '')
        || coalesce(' COLLATE ' || nullif(l.collname, 'default'), '') AS line
    FROM mine m
    JOIN pg_attribute a ON a.attrelid = m.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    WHERE m.relkind IN ('r', 'p', 'v', 'm')
    UNION ALL
    -- Constraints of kind n are those of NOT NULL, which only later servers list.
    SELECT 'constraint ' || m.relname || '.' || c.conname || E'\t' || pg_get_constraintdef(c.oid)
    FROM mine m JOIN pg_constraint c ON c.conrelid = m.oid WHERE c.contype <> 'n'
    UNION ALL
    SELECT 'index ' || i.relname || E'\t' || pg_get_indexdef(x.indexrelid)
        || CASE WHEN x.indisvalid THEN '' ELSE ' INVALID' END
    FROM mine m JOIN pg_index x ON x.indrelid = m.oid JOIN pg_class i ON i.oid = x.indexrelid
    WHERE m.relkind = 'r'
    UNION ALL
    SELECT 'trigger ' || m.relname || '.' || t.tgname || E'\t' || pg_get_triggerdef(t.oid)
        || ' ' || t.tgenabled::text
    FROM mine m JOIN pg_trigger t ON t.tgrelid = m.oid WHERE NOT t.tgisinternal
    UNION ALL
    -- Those of foreign keys have numbers for names.
    SELECT 'references ' || m.relname || E'\tswitched off'
    FROM mine m JOIN pg_trigger t ON t.tgrelid = m.oid WHERE t.tgisinternal AND t.tgenabled <> 'O'
    UNION ALL
    SELECT 'rewrite ' || m.relname || '.' || r.rulename || E'\t' || pg_get_ruledef(r.oid)
    FROM mine m JOIN pg_rewrite r ON r.ev_class = m.oid
    UNION ALL
    SELECT 'function ' || p.proname || E'\t' || p.prosrc
    FROM pg_proc p WHERE p.pronamespace = quote_ident(current_schema())::regnamespace
) AS lines (line)
ORDER BY line COLLATE "C"
