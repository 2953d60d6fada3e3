-- The starts of tbot in ClickHouse, printed by: otel-tbot schema --format clickhouse
-- Run it in the database that the Collector's exporter fills, after the exporter has created its tables:
--   clickhouse-client --database otel --multiquery < schema.sql
-- It is safe to run again. If one of the Collector's tables is missing, only the last statements fail.
-- To delete starts after a year: ALTER TABLE tbot_starts MODIFY TTL time + INTERVAL 12 MONTH

-- One row per start. Equal deliveries become one row when parts are merged: query it with FINAL.
CREATE TABLE IF NOT EXISTS tbot_starts (
    time DateTime('UTC') CODEC(Delta(4), ZSTD(1)),
    session UUID,
    os LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    arch LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    run_mode LowCardinality(String),
    version LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    join_type LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    helper LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    helper_version LowCardinality(Nullable(String)) CODEC(ZSTD(1)),
    destinations_other UInt32 CODEC(ZSTD(1)),
    destinations_database UInt32 CODEC(ZSTD(1)),
    destinations_kubernetes UInt32 CODEC(ZSTD(1)),
    destinations_application UInt32 CODEC(ZSTD(1))
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMM(time) -- an INSERT into more than 100 partitions is rejected, and days would soon reach that
PRIMARY KEY (time, session)
ORDER BY (time, session, os, arch, run_mode, version, join_type, helper, helper_version, destinations_other, destinations_database, destinations_kubernetes, destinations_application)
SETTINGS allow_nullable_key = 1;

-- The starts of each day, for years: query it with FINAL, and sum up `starts`. A later count replaces an earlier one.
CREATE TABLE IF NOT EXISTS tbot_starts_daily (
    day Date,
    run_mode LowCardinality(String),
    version LowCardinality(String),
    join_type LowCardinality(String),
    helper LowCardinality(String),
    helper_version LowCardinality(String),
    destinations LowCardinality(String),
    os LowCardinality(String),
    arch LowCardinality(String),
    starts UInt64,
    counted_at DateTime('UTC')
)
ENGINE = ReplacingMergeTree(counted_at)
PARTITION BY toYYYYMM(day)
ORDER BY (day, run_mode, version, join_type, helper, helper_version, destinations, os, arch);

-- Counts the last days again each hour, and everything when the table is empty. Needs ClickHouse 24.10 or newer.
CREATE MATERIALIZED VIEW IF NOT EXISTS tbot_starts_daily_view REFRESH EVERY 1 HOUR APPEND TO tbot_starts_daily AS
SELECT
    day,
    counted_run_mode AS run_mode,
    counted_version AS version,
    counted_join_type AS join_type,
    counted_helper AS helper,
    counted_helper_version AS helper_version,
    counted_destinations AS destinations,
    counted_os AS os,
    counted_arch AS arch,
    count(*) AS starts,
    now('UTC') AS counted_at
FROM (
SELECT
    CAST(time AS DATE) AS day,
    run_mode AS counted_run_mode,
    coalesce(version, '(not set)') AS counted_version,
    coalesce(join_type, '(not set)') AS counted_join_type,
    coalesce(helper, '(not set)') AS counted_helper,
    coalesce(helper || ' ' || coalesce(helper_version, '(not set)'), '(not set)') AS counted_helper_version,
    coalesce(nullif(substr(CASE WHEN destinations_other > 0 THEN ' + other' ELSE '' END || CASE WHEN destinations_database > 0 THEN ' + database' ELSE '' END || CASE WHEN destinations_kubernetes > 0 THEN ' + kubernetes' ELSE '' END || CASE WHEN destinations_application > 0 THEN ' + application' ELSE '' END, 4), ''), 'none') AS counted_destinations,
    coalesce(os, '(not set)') AS counted_os,
    coalesce(arch, '(not set)') AS counted_arch
FROM (
    SELECT * FROM tbot_starts FINAL
    WHERE time >= (
        SELECT toDateTime(greatest(max(day), toDate('2022-01-01')) - 3, 'UTC') FROM tbot_starts_daily
    )
    ORDER BY time, session, os, arch, run_mode, version, join_type, helper, helper_version, destinations_other, destinations_database, destinations_kubernetes, destinations_application
    LIMIT 1 BY session
)
)
GROUP BY day, counted_run_mode, counted_version, counted_join_type, counted_helper, counted_helper_version, counted_destinations, counted_os, counted_arch;

CREATE MATERIALIZED VIEW IF NOT EXISTS tbot_starts_from_logs TO tbot_starts AS
SELECT
    validated.time AS time,
    validated.session AS session,
    validated.os AS os,
    validated.arch AS arch,
    validated.run_mode AS run_mode,
    validated.version AS version,
    validated.join_type AS join_type,
    validated.helper AS helper,
    CASE WHEN validated.helper IS NOT NULL THEN validated.helper_version END AS helper_version,
    validated.destinations_other AS destinations_other,
    validated.destinations_database AS destinations_database,
    validated.destinations_kubernetes AS destinations_kubernetes,
    validated.destinations_application AS destinations_application
FROM (
    SELECT
        stored.time AS time,
        CAST(CASE WHEN coalesce(stored.session, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.session) <= 36 THEN CASE WHEN match(stored.session, '\\A([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\\z') THEN stored.session END END, NULL) END AS Nullable(UUID)) AS session,
        CASE WHEN coalesce(stored.os, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.os IN ('aix', 'darwin', 'dragonflybsd', 'freebsd', 'hpux', 'linux', 'netbsd', 'openbsd', 'solaris', 'windows', 'zos') THEN stored.os END, NULL) END AS os,
        CASE WHEN coalesce(stored.arch, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.arch IN ('amd64', 'arm32', 'arm64', 'ia64', 'ppc32', 'ppc64', 's390x', 'x86') THEN stored.arch END, NULL) END AS arch,
        CASE WHEN coalesce(stored.run_mode, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.run_mode IN ('one-shot', 'daemon') THEN stored.run_mode END, NULL) END AS run_mode,
        CASE WHEN coalesce((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS version,
        CASE WHEN coalesce(stored.join_type, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.join_type IN ('azure', 'azure_devops', 'bitbucket', 'bound_keypair', 'circleci', 'env0', 'gcp', 'generic_oidc', 'github', 'gitlab', 'iam', 'kubernetes', 'oracle', 'spacelift', 'terraform_cloud', 'token', 'tpm', '_OTHER') THEN stored.join_type END, '_OTHER') END AS join_type,
        CASE WHEN coalesce(stored.helper, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.helper) <= 64 THEN CASE WHEN match(stored.helper, '\\A((?:ansible|azure|bitbucket|circleci|cli|docker|gha|gitlab|jenkins|kubernetes|terraform):(?:(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*/)?(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*)\\z') THEN stored.helper END END, '_OTHER') END AS helper,
        CASE WHEN coalesce((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS helper_version,
        CASE WHEN stored.destinations_other IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_other,
        CASE WHEN stored.destinations_database IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_database,
        CASE WHEN stored.destinations_kubernetes IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_kubernetes,
        CASE WHEN stored.destinations_application IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_application
    FROM (
        SELECT
            toDateTime64(Timestamp, 0, 'UTC') AS time, -- in whole seconds, as the sender truncates it
            toJSONString(ResourceAttributes) AS resource,
            toJSONString(LogAttributes) AS event,
            coalesce(JSONExtract(resource, 'session.id', 'Nullable(String)'), JSONExtract(resource, 'session', 'id', 'Nullable(String)')) AS session,
            coalesce(JSONExtract(resource, 'os.type', 'Nullable(String)'), JSONExtract(resource, 'os', 'type', 'Nullable(String)')) AS os,
            coalesce(JSONExtract(resource, 'host.arch', 'Nullable(String)'), JSONExtract(resource, 'host', 'arch', 'Nullable(String)')) AS arch,
            coalesce(JSONExtract(event, 'tbot.run_mode', 'Nullable(String)'), JSONExtract(event, 'tbot', 'run_mode', 'Nullable(String)')) AS run_mode,
            coalesce(JSONExtract(event, 'tbot.version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'version', 'Nullable(String)')) AS version,
            coalesce(JSONExtract(event, 'tbot.join_type', 'Nullable(String)'), JSONExtract(event, 'tbot', 'join_type', 'Nullable(String)')) AS join_type,
            coalesce(JSONExtract(event, 'tbot.helper', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper', 'Nullable(String)')) AS helper,
            coalesce(JSONExtract(event, 'tbot.helper_version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper_version', 'Nullable(String)')) AS helper_version,
            coalesce(JSONExtract(event, 'tbot.destinations_other', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_other', 'Nullable(String)')) AS destinations_other,
            coalesce(JSONExtract(event, 'tbot.destinations_database', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_database', 'Nullable(String)')) AS destinations_database,
            coalesce(JSONExtract(event, 'tbot.destinations_kubernetes', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_kubernetes', 'Nullable(String)')) AS destinations_kubernetes,
            coalesce(JSONExtract(event, 'tbot.destinations_application', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_application', 'Nullable(String)')) AS destinations_application
        FROM otel_logs
        WHERE ServiceName = 'tbot'
    ) AS stored
    WHERE stored.time >= '2022-01-01' AND stored.time <= now() + INTERVAL 1 DAY AND stored.run_mode IS NOT NULL
) AS validated
WHERE validated.session IS NOT NULL AND validated.run_mode IS NOT NULL AND validated.destinations_other IS NOT NULL AND validated.destinations_database IS NOT NULL AND validated.destinations_kubernetes IS NOT NULL AND validated.destinations_application IS NOT NULL;

-- What was stored before the view existed.
INSERT INTO tbot_starts (time, session, os, arch, run_mode, version, join_type, helper, helper_version, destinations_other, destinations_database, destinations_kubernetes, destinations_application)
SELECT
    validated.time AS time,
    validated.session AS session,
    validated.os AS os,
    validated.arch AS arch,
    validated.run_mode AS run_mode,
    validated.version AS version,
    validated.join_type AS join_type,
    validated.helper AS helper,
    CASE WHEN validated.helper IS NOT NULL THEN validated.helper_version END AS helper_version,
    validated.destinations_other AS destinations_other,
    validated.destinations_database AS destinations_database,
    validated.destinations_kubernetes AS destinations_kubernetes,
    validated.destinations_application AS destinations_application
FROM (
    SELECT
        stored.time AS time,
        CAST(CASE WHEN coalesce(stored.session, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.session) <= 36 THEN CASE WHEN match(stored.session, '\\A([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\\z') THEN stored.session END END, NULL) END AS Nullable(UUID)) AS session,
        CASE WHEN coalesce(stored.os, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.os IN ('aix', 'darwin', 'dragonflybsd', 'freebsd', 'hpux', 'linux', 'netbsd', 'openbsd', 'solaris', 'windows', 'zos') THEN stored.os END, NULL) END AS os,
        CASE WHEN coalesce(stored.arch, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.arch IN ('amd64', 'arm32', 'arm64', 'ia64', 'ppc32', 'ppc64', 's390x', 'x86') THEN stored.arch END, NULL) END AS arch,
        CASE WHEN coalesce(stored.run_mode, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.run_mode IN ('one-shot', 'daemon') THEN stored.run_mode END, NULL) END AS run_mode,
        CASE WHEN coalesce((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS version,
        CASE WHEN coalesce(stored.join_type, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.join_type IN ('azure', 'azure_devops', 'bitbucket', 'bound_keypair', 'circleci', 'env0', 'gcp', 'generic_oidc', 'github', 'gitlab', 'iam', 'kubernetes', 'oracle', 'spacelift', 'terraform_cloud', 'token', 'tpm', '_OTHER') THEN stored.join_type END, '_OTHER') END AS join_type,
        CASE WHEN coalesce(stored.helper, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.helper) <= 64 THEN CASE WHEN match(stored.helper, '\\A((?:ansible|azure|bitbucket|circleci|cli|docker|gha|gitlab|jenkins|kubernetes|terraform):(?:(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*/)?(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*)\\z') THEN stored.helper END END, '_OTHER') END AS helper,
        CASE WHEN coalesce((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS helper_version,
        CASE WHEN stored.destinations_other IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_other,
        CASE WHEN stored.destinations_database IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_database,
        CASE WHEN stored.destinations_kubernetes IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_kubernetes,
        CASE WHEN stored.destinations_application IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_application
    FROM (
        SELECT
            toDateTime64(Timestamp, 0, 'UTC') AS time, -- in whole seconds, as the sender truncates it
            toJSONString(ResourceAttributes) AS resource,
            toJSONString(LogAttributes) AS event,
            coalesce(JSONExtract(resource, 'session.id', 'Nullable(String)'), JSONExtract(resource, 'session', 'id', 'Nullable(String)')) AS session,
            coalesce(JSONExtract(resource, 'os.type', 'Nullable(String)'), JSONExtract(resource, 'os', 'type', 'Nullable(String)')) AS os,
            coalesce(JSONExtract(resource, 'host.arch', 'Nullable(String)'), JSONExtract(resource, 'host', 'arch', 'Nullable(String)')) AS arch,
            coalesce(JSONExtract(event, 'tbot.run_mode', 'Nullable(String)'), JSONExtract(event, 'tbot', 'run_mode', 'Nullable(String)')) AS run_mode,
            coalesce(JSONExtract(event, 'tbot.version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'version', 'Nullable(String)')) AS version,
            coalesce(JSONExtract(event, 'tbot.join_type', 'Nullable(String)'), JSONExtract(event, 'tbot', 'join_type', 'Nullable(String)')) AS join_type,
            coalesce(JSONExtract(event, 'tbot.helper', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper', 'Nullable(String)')) AS helper,
            coalesce(JSONExtract(event, 'tbot.helper_version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper_version', 'Nullable(String)')) AS helper_version,
            coalesce(JSONExtract(event, 'tbot.destinations_other', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_other', 'Nullable(String)')) AS destinations_other,
            coalesce(JSONExtract(event, 'tbot.destinations_database', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_database', 'Nullable(String)')) AS destinations_database,
            coalesce(JSONExtract(event, 'tbot.destinations_kubernetes', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_kubernetes', 'Nullable(String)')) AS destinations_kubernetes,
            coalesce(JSONExtract(event, 'tbot.destinations_application', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_application', 'Nullable(String)')) AS destinations_application
        FROM otel_logs
        WHERE ServiceName = 'tbot'
    ) AS stored
    WHERE stored.time >= '2022-01-01' AND stored.time <= now() + INTERVAL 1 DAY AND stored.run_mode IS NOT NULL
) AS validated
WHERE validated.session IS NOT NULL AND validated.run_mode IS NOT NULL AND validated.destinations_other IS NOT NULL AND validated.destinations_database IS NOT NULL AND validated.destinations_kubernetes IS NOT NULL AND validated.destinations_application IS NOT NULL;

CREATE MATERIALIZED VIEW IF NOT EXISTS tbot_starts_from_traces TO tbot_starts AS
SELECT
    validated.time AS time,
    validated.session AS session,
    validated.os AS os,
    validated.arch AS arch,
    validated.run_mode AS run_mode,
    validated.version AS version,
    validated.join_type AS join_type,
    validated.helper AS helper,
    CASE WHEN validated.helper IS NOT NULL THEN validated.helper_version END AS helper_version,
    validated.destinations_other AS destinations_other,
    validated.destinations_database AS destinations_database,
    validated.destinations_kubernetes AS destinations_kubernetes,
    validated.destinations_application AS destinations_application
FROM (
    SELECT
        stored.time AS time,
        CAST(CASE WHEN coalesce(stored.session, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.session) <= 36 THEN CASE WHEN match(stored.session, '\\A([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\\z') THEN stored.session END END, NULL) END AS Nullable(UUID)) AS session,
        CASE WHEN coalesce(stored.os, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.os IN ('aix', 'darwin', 'dragonflybsd', 'freebsd', 'hpux', 'linux', 'netbsd', 'openbsd', 'solaris', 'windows', 'zos') THEN stored.os END, NULL) END AS os,
        CASE WHEN coalesce(stored.arch, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.arch IN ('amd64', 'arm32', 'arm64', 'ia64', 'ppc32', 'ppc64', 's390x', 'x86') THEN stored.arch END, NULL) END AS arch,
        CASE WHEN coalesce(stored.run_mode, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.run_mode IN ('one-shot', 'daemon') THEN stored.run_mode END, NULL) END AS run_mode,
        CASE WHEN coalesce((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS version,
        CASE WHEN coalesce(stored.join_type, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.join_type IN ('azure', 'azure_devops', 'bitbucket', 'bound_keypair', 'circleci', 'env0', 'gcp', 'generic_oidc', 'github', 'gitlab', 'iam', 'kubernetes', 'oracle', 'spacelift', 'terraform_cloud', 'token', 'tpm', '_OTHER') THEN stored.join_type END, '_OTHER') END AS join_type,
        CASE WHEN coalesce(stored.helper, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.helper) <= 64 THEN CASE WHEN match(stored.helper, '\\A((?:ansible|azure|bitbucket|circleci|cli|docker|gha|gitlab|jenkins|kubernetes|terraform):(?:(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*/)?(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*)\\z') THEN stored.helper END END, '_OTHER') END AS helper,
        CASE WHEN coalesce((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS helper_version,
        CASE WHEN stored.destinations_other IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_other,
        CASE WHEN stored.destinations_database IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_database,
        CASE WHEN stored.destinations_kubernetes IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_kubernetes,
        CASE WHEN stored.destinations_application IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_application
    FROM (
        SELECT
            toDateTime64(Timestamp, 0, 'UTC') AS time, -- in whole seconds, as the sender truncates it
            toJSONString(ResourceAttributes) AS resource,
            toJSONString(SpanAttributes) AS event,
            coalesce(JSONExtract(resource, 'session.id', 'Nullable(String)'), JSONExtract(resource, 'session', 'id', 'Nullable(String)')) AS session,
            coalesce(JSONExtract(resource, 'os.type', 'Nullable(String)'), JSONExtract(resource, 'os', 'type', 'Nullable(String)')) AS os,
            coalesce(JSONExtract(resource, 'host.arch', 'Nullable(String)'), JSONExtract(resource, 'host', 'arch', 'Nullable(String)')) AS arch,
            coalesce(JSONExtract(event, 'tbot.run_mode', 'Nullable(String)'), JSONExtract(event, 'tbot', 'run_mode', 'Nullable(String)')) AS run_mode,
            coalesce(JSONExtract(event, 'tbot.version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'version', 'Nullable(String)')) AS version,
            coalesce(JSONExtract(event, 'tbot.join_type', 'Nullable(String)'), JSONExtract(event, 'tbot', 'join_type', 'Nullable(String)')) AS join_type,
            coalesce(JSONExtract(event, 'tbot.helper', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper', 'Nullable(String)')) AS helper,
            coalesce(JSONExtract(event, 'tbot.helper_version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper_version', 'Nullable(String)')) AS helper_version,
            coalesce(JSONExtract(event, 'tbot.destinations_other', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_other', 'Nullable(String)')) AS destinations_other,
            coalesce(JSONExtract(event, 'tbot.destinations_database', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_database', 'Nullable(String)')) AS destinations_database,
            coalesce(JSONExtract(event, 'tbot.destinations_kubernetes', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_kubernetes', 'Nullable(String)')) AS destinations_kubernetes,
            coalesce(JSONExtract(event, 'tbot.destinations_application', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_application', 'Nullable(String)')) AS destinations_application
        FROM otel_traces
        WHERE ServiceName = 'tbot'
    ) AS stored
    WHERE stored.time >= '2022-01-01' AND stored.time <= now() + INTERVAL 1 DAY AND stored.run_mode IS NOT NULL
) AS validated
WHERE validated.session IS NOT NULL AND validated.run_mode IS NOT NULL AND validated.destinations_other IS NOT NULL AND validated.destinations_database IS NOT NULL AND validated.destinations_kubernetes IS NOT NULL AND validated.destinations_application IS NOT NULL;

-- What was stored before the view existed.
INSERT INTO tbot_starts (time, session, os, arch, run_mode, version, join_type, helper, helper_version, destinations_other, destinations_database, destinations_kubernetes, destinations_application)
SELECT
    validated.time AS time,
    validated.session AS session,
    validated.os AS os,
    validated.arch AS arch,
    validated.run_mode AS run_mode,
    validated.version AS version,
    validated.join_type AS join_type,
    validated.helper AS helper,
    CASE WHEN validated.helper IS NOT NULL THEN validated.helper_version END AS helper_version,
    validated.destinations_other AS destinations_other,
    validated.destinations_database AS destinations_database,
    validated.destinations_kubernetes AS destinations_kubernetes,
    validated.destinations_application AS destinations_application
FROM (
    SELECT
        stored.time AS time,
        CAST(CASE WHEN coalesce(stored.session, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.session) <= 36 THEN CASE WHEN match(stored.session, '\\A([0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12})\\z') THEN stored.session END END, NULL) END AS Nullable(UUID)) AS session,
        CASE WHEN coalesce(stored.os, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.os IN ('aix', 'darwin', 'dragonflybsd', 'freebsd', 'hpux', 'linux', 'netbsd', 'openbsd', 'solaris', 'windows', 'zos') THEN stored.os END, NULL) END AS os,
        CASE WHEN coalesce(stored.arch, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.arch IN ('amd64', 'arm32', 'arm64', 'ia64', 'ppc32', 'ppc64', 's390x', 'x86') THEN stored.arch END, NULL) END AS arch,
        CASE WHEN coalesce(stored.run_mode, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.run_mode IN ('one-shot', 'daemon') THEN stored.run_mode END, NULL) END AS run_mode,
        CASE WHEN coalesce((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.version LIKE 'v%' THEN substr(stored.version, 2) ELSE stored.version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS version,
        CASE WHEN coalesce(stored.join_type, '') = '' THEN NULL ELSE coalesce(CASE WHEN stored.join_type IN ('azure', 'azure_devops', 'bitbucket', 'bound_keypair', 'circleci', 'env0', 'gcp', 'generic_oidc', 'github', 'gitlab', 'iam', 'kubernetes', 'oracle', 'spacelift', 'terraform_cloud', 'token', 'tpm', '_OTHER') THEN stored.join_type END, '_OTHER') END AS join_type,
        CASE WHEN coalesce(stored.helper, '') = '' THEN NULL ELSE coalesce(CASE WHEN length(stored.helper) <= 64 THEN CASE WHEN match(stored.helper, '\\A((?:ansible|azure|bitbucket|circleci|cli|docker|gha|gitlab|jenkins|kubernetes|terraform):(?:(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*/)?(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4})(?:-(?:(?:[0-9]{1,4})?[a-z]+(?:[0-9]{1,4}[a-z]+)*(?:[0-9]{1,4})?|[0-9]{1,4}))*)\\z') THEN stored.helper END END, '_OTHER') END AS helper,
        CASE WHEN coalesce((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '') = '' THEN NULL ELSE coalesce(nullif(regexp_extract((CASE WHEN stored.helper_version LIKE 'v%' THEN substr(stored.helper_version, 2) ELSE stored.helper_version END), '\\A((?:0|[1-9][0-9]{0,4})(?:\\.(?:0|[1-9][0-9]{0,4})){0,2}(?:-(?:alpha|beta|rc|dev)(?:\\.(?:0|[1-9][0-9]{0,4}))?)?)(?:[^0-9A-Za-z]|\\z)', 1), ''), NULL) END AS helper_version,
        CASE WHEN stored.destinations_other IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_other, '\\A([0-9]{1,19})\\z') THEN stored.destinations_other END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_other,
        CASE WHEN stored.destinations_database IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_database, '\\A([0-9]{1,19})\\z') THEN stored.destinations_database END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_database,
        CASE WHEN stored.destinations_kubernetes IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_kubernetes, '\\A([0-9]{1,19})\\z') THEN stored.destinations_kubernetes END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_kubernetes,
        CASE WHEN stored.destinations_application IS NULL THEN 0 WHEN CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END IS NOT NULL THEN CAST(least(CAST(CASE WHEN match(stored.destinations_application, '\\A([0-9]{1,19})\\z') THEN stored.destinations_application END AS Nullable(UInt64)), 2147483647) AS Nullable(INTEGER)) END AS destinations_application
    FROM (
        SELECT
            toDateTime64(Timestamp, 0, 'UTC') AS time, -- in whole seconds, as the sender truncates it
            toJSONString(ResourceAttributes) AS resource,
            toJSONString(SpanAttributes) AS event,
            coalesce(JSONExtract(resource, 'session.id', 'Nullable(String)'), JSONExtract(resource, 'session', 'id', 'Nullable(String)')) AS session,
            coalesce(JSONExtract(resource, 'os.type', 'Nullable(String)'), JSONExtract(resource, 'os', 'type', 'Nullable(String)')) AS os,
            coalesce(JSONExtract(resource, 'host.arch', 'Nullable(String)'), JSONExtract(resource, 'host', 'arch', 'Nullable(String)')) AS arch,
            coalesce(JSONExtract(event, 'tbot.run_mode', 'Nullable(String)'), JSONExtract(event, 'tbot', 'run_mode', 'Nullable(String)')) AS run_mode,
            coalesce(JSONExtract(event, 'tbot.version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'version', 'Nullable(String)')) AS version,
            coalesce(JSONExtract(event, 'tbot.join_type', 'Nullable(String)'), JSONExtract(event, 'tbot', 'join_type', 'Nullable(String)')) AS join_type,
            coalesce(JSONExtract(event, 'tbot.helper', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper', 'Nullable(String)')) AS helper,
            coalesce(JSONExtract(event, 'tbot.helper_version', 'Nullable(String)'), JSONExtract(event, 'tbot', 'helper_version', 'Nullable(String)')) AS helper_version,
            coalesce(JSONExtract(event, 'tbot.destinations_other', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_other', 'Nullable(String)')) AS destinations_other,
            coalesce(JSONExtract(event, 'tbot.destinations_database', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_database', 'Nullable(String)')) AS destinations_database,
            coalesce(JSONExtract(event, 'tbot.destinations_kubernetes', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_kubernetes', 'Nullable(String)')) AS destinations_kubernetes,
            coalesce(JSONExtract(event, 'tbot.destinations_application', 'Nullable(String)'), JSONExtract(event, 'tbot', 'destinations_application', 'Nullable(String)')) AS destinations_application
        FROM otel_traces
        WHERE ServiceName = 'tbot'
    ) AS stored
    WHERE stored.time >= '2022-01-01' AND stored.time <= now() + INTERVAL 1 DAY AND stored.run_mode IS NOT NULL
) AS validated
WHERE validated.session IS NOT NULL AND validated.run_mode IS NOT NULL AND validated.destinations_other IS NOT NULL AND validated.destinations_database IS NOT NULL AND validated.destinations_kubernetes IS NOT NULL AND validated.destinations_application IS NOT NULL;
