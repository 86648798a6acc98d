-- The views of contract 1 as the first releases laid them (schema 0002): a store that is upgraded has these.

-- Frozen: never regenerate it from the program.

CREATE VIEW v_contract AS SELECT 1 AS contract;

CREATE VIEW v_alerts AS SELECT 
    a.alert_id, a.rule_id, a.rule_version, a.title, a.severity, a.typology, a.engine_state, a.status, a.assigned_to,
    a.subject_kind, a.subject_masked, a.about,
    a.amount_minor, a.amount_currency, round(a.amount_minor / CASE WHEN a.amount_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 1.0 WHEN a.amount_currency IN ('AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF', 'CNY', 'COP', 'CRC', 'CUP', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IRR', 'JMD', 'KES', 'KGS', 'KHR', 'KPW', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'QAR', 'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'USD', 'UYU', 'UZS', 'VED', 'VES', 'WST', 'XCD', 'XCG', 'YER', 'ZAR', 'ZMW', 'ZWG') THEN 100.0 WHEN a.amount_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000.0 WHEN a.amount_currency IN ('CLF', 'UYW') THEN 10000.0 END, 4) AS amount_major,
    a.first_hit, a.last_hit, a.hits, coalesce(a.reason_masked, a.reason) AS reason,
    a.evidence_count, a.truncated, a.approximate,
    a.event_at, a.detected_at, a.first_stored_at, a.stored_at, a.ruleset_digest FROM alerts a WHERE a.engine_state IN ('standing', 'provisional') AND NOT a.shadow;

CREATE VIEW v_alerts_all AS SELECT 
    a.alert_id, a.rule_id, a.rule_version, a.title, a.severity, a.typology, a.engine_state, a.status, a.assigned_to,
    a.subject_kind, a.subject_masked, a.about,
    a.amount_minor, a.amount_currency, round(a.amount_minor / CASE WHEN a.amount_currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 1.0 WHEN a.amount_currency IN ('AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF', 'CNY', 'COP', 'CRC', 'CUP', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IRR', 'JMD', 'KES', 'KGS', 'KHR', 'KPW', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'QAR', 'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'USD', 'UYU', 'UZS', 'VED', 'VES', 'WST', 'XCD', 'XCG', 'YER', 'ZAR', 'ZMW', 'ZWG') THEN 100.0 WHEN a.amount_currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000.0 WHEN a.amount_currency IN ('CLF', 'UYW') THEN 10000.0 END, 4) AS amount_major,
    a.first_hit, a.last_hit, a.hits, coalesce(a.reason_masked, a.reason) AS reason,
    a.evidence_count, a.truncated, a.approximate,
    a.event_at, a.detected_at, a.first_stored_at, a.stored_at, a.ruleset_digest, a.shadow, CASE WHEN length(a.subject) >= 8 THEN replace(a.held_by, a.subject, a.subject_masked) ELSE a.held_by END AS held_by,
    CASE WHEN length(a.subject) >= 8 THEN replace(a.withdrawn_because, a.subject, a.subject_masked) ELSE a.withdrawn_because END AS withdrawn_because
FROM alerts a;

CREATE VIEW v_alert_evidence AS SELECT e.alert_id, e.ordinal, e.event_id, e.role, e.time AS event_time, e.amount_minor, e.currency,
    round(e.amount_minor / CASE WHEN e.currency IN ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') THEN 1.0 WHEN e.currency IN ('AED', 'AFN', 'ALL', 'AMD', 'ANG', 'AOA', 'ARS', 'AUD', 'AWG', 'AZN', 'BAM', 'BBD', 'BDT', 'BGN', 'BMD', 'BND', 'BOB', 'BRL', 'BSD', 'BTN', 'BWP', 'BYN', 'BZD', 'CAD', 'CDF', 'CHF', 'CNY', 'COP', 'CRC', 'CUP', 'CVE', 'CZK', 'DKK', 'DOP', 'DZD', 'EGP', 'ERN', 'ETB', 'EUR', 'FJD', 'FKP', 'GBP', 'GEL', 'GHS', 'GIP', 'GMD', 'GTQ', 'GYD', 'HKD', 'HNL', 'HTG', 'HUF', 'IDR', 'ILS', 'INR', 'IRR', 'JMD', 'KES', 'KGS', 'KHR', 'KPW', 'KYD', 'KZT', 'LAK', 'LBP', 'LKR', 'LRD', 'LSL', 'MAD', 'MDL', 'MGA', 'MKD', 'MMK', 'MNT', 'MOP', 'MRU', 'MUR', 'MVR', 'MWK', 'MXN', 'MYR', 'MZN', 'NAD', 'NGN', 'NIO', 'NOK', 'NPR', 'NZD', 'PAB', 'PEN', 'PGK', 'PHP', 'PKR', 'PLN', 'QAR', 'RON', 'RSD', 'RUB', 'SAR', 'SBD', 'SCR', 'SDG', 'SEK', 'SGD', 'SHP', 'SLE', 'SOS', 'SRD', 'SSP', 'STN', 'SVC', 'SYP', 'SZL', 'THB', 'TJS', 'TMT', 'TOP', 'TRY', 'TTD', 'TWD', 'TZS', 'UAH', 'USD', 'UYU', 'UZS', 'VED', 'VES', 'WST', 'XCD', 'XCG', 'YER', 'ZAR', 'ZMW', 'ZWG') THEN 100.0 WHEN e.currency IN ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') THEN 1000.0 WHEN e.currency IN ('CLF', 'UYW') THEN 10000.0 END, 4) AS amount_major, CASE WHEN e.counterparty IN ('', 'CASH', 'EXTERNAL') THEN e.counterparty WHEN length(e.counterparty) >= 8 THEN '****' || substr(e.counterparty, length(e.counterparty) - 3) ELSE '****' END AS counterparty_masked
FROM alert_evidence e;

CREATE VIEW v_alert_history AS SELECT h.alert_id, h.revision_epoch, h.revision_offset, h.revision_index, h.engine_state,
    coalesce(h.reason_masked, h.reason) AS reason, h.hits, CASE WHEN length(a.subject) >= 8 THEN replace(h.held_by, a.subject, a.subject_masked) ELSE h.held_by END AS held_by,
    CASE WHEN length(a.subject) >= 8 THEN replace(h.withdrawn_because, a.subject, a.subject_masked) ELSE h.withdrawn_because END AS withdrawn_because,
    h.ruleset_digest, h.event_at, h.detected_at, h.stored_at
FROM alert_amendments h JOIN alerts a ON a.alert_id = h.alert_id;

CREATE VIEW v_ingest_reconciliation AS SELECT s.source, coalesce(c.accepted, 0) AS accepted, coalesce(c.late, 0) AS late,
    coalesce(c.duplicate, 0) AS duplicate, coalesce(c.conflict, 0) AS conflict, coalesce(c.refused, 0) AS refused,
    coalesce(f.found, 0) AS found, coalesce(c.stored_at, f.stored_at) AS stored_at,
    coalesce(f.found, 0) - coalesce(c.accepted + c.duplicate + c.refused, 0) AS missing,
    f.first_offset, f.revision_offset AS next_offset
FROM (SELECT source FROM ingest_counters UNION SELECT source FROM sources_found) s
LEFT JOIN sources_found f ON f.source = s.source
LEFT JOIN (
    SELECT source, revision_epoch, CAST(sum(accepted) AS bigint) AS accepted, CAST(sum(late) AS bigint) AS late,
        CAST(sum(duplicate) AS bigint) AS duplicate, CAST(sum(conflict) AS bigint) AS conflict,
        CAST(sum(refused) AS bigint) AS refused, max(stored_at) AS stored_at
    FROM ingest_counters GROUP BY source, revision_epoch
) c ON c.source = s.source AND c.revision_epoch = coalesce(
    f.revision_epoch, (SELECT max(i.revision_epoch) FROM ingest_counters i WHERE i.source = s.source)
);

CREATE VIEW v_dead_letters AS SELECT d.source_topic, d.source_partition, d.source_offset, d.refusal, d.field, d.detail, d.masked,
    d.bytes_total, d.kafka_time, d.stored_at
FROM dead_letters d;

CREATE VIEW v_rules AS SELECT r.rule_id, coalesce(a.standing, 0) AS standing, coalesce(a.provisional, 0) AS provisional,
    coalesce(a.withdrawn, 0) AS withdrawn, coalesce(a.held, 0) AS held, coalesce(a.shadow, 0) AS shadow,
    coalesce(c.undecided, 0) AS undecided, coalesce(c.errors, 0) AS errors, a.last_hit
FROM (
    SELECT rule_id FROM alerts UNION SELECT rule_id FROM rule_counters UNION SELECT jsonb_array_elements_text(rule_ids) FROM rulesets) r
LEFT JOIN (
    SELECT rule_id,
        count(*) FILTER (WHERE engine_state = 'standing' AND NOT shadow) AS standing,
        count(*) FILTER (WHERE engine_state = 'provisional' AND NOT shadow) AS provisional,
        count(*) FILTER (WHERE engine_state = 'withdrawn' AND NOT shadow) AS withdrawn,
        count(*) FILTER (WHERE engine_state = 'held' AND NOT shadow) AS held,
        count(*) FILTER (WHERE engine_state <> 'withdrawn' AND shadow) AS shadow,
        max(last_hit) AS last_hit
    FROM alerts GROUP BY rule_id
) a ON a.rule_id = r.rule_id
LEFT JOIN (
    SELECT rule_id, CAST(sum(undecided) AS bigint) AS undecided, CAST(sum(errors) AS bigint) AS errors
    FROM rule_counters GROUP BY rule_id
) c ON c.rule_id = r.rule_id;

CREATE VIEW v_rulesets AS SELECT p.digest, p.activity_partition, p.from_time, s.rule_count, p.stored_at
FROM ruleset_partitions p JOIN rulesets s ON s.digest = p.digest;

CREATE VIEW v_tasks AS SELECT t.task_id, t.kind, t.alert_id, a.rule_id, a.status, a.assigned_to,
    CASE WHEN length(a.subject) >= 8 THEN replace(t.detail, a.subject, a.subject_masked) ELSE t.detail END AS detail, t.created_at, t.done_at
FROM tasks t JOIN alerts a ON a.alert_id = t.alert_id;

CREATE VIEW v_store_errors AS SELECT s.kind, s.key, s.error, s.stored_at FROM store_errors s;
