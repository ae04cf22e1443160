BEGIN TRANSACTION;
CREATE TABLE adjustments(
        seq INTEGER PRIMARY KEY,
        at INTEGER NOT NULL, -- nanoseconds, when it was noted
        kind TEXT NOT NULL, -- different, theirs_only, ours_only
        call_id TEXT, -- the ledger's call; NULL where it has none
        generation_id TEXT,
        billed_at INTEGER, -- nanoseconds; NULL is unknown
        cost INTEGER, -- pico-dollars to be added to the ledger; NULL beyond 64 bits
        cost_text TEXT NOT NULL, -- the same, every digit
        byok_text TEXT NOT NULL, -- dollars to be added to what providers took with the account's own keys
        booked_text TEXT, -- what the ledger had of the credits; NULL is unknown
        billed_text TEXT NOT NULL, -- what OpenRouter billed to the credits
        model TEXT,
        provider TEXT,
        app TEXT,
        key TEXT, -- the API key's name
        user TEXT
    ) STRICT;
CREATE TABLE damage(segment TEXT, at INTEGER, what TEXT NOT NULL, PRIMARY KEY(segment, at)) STRICT;
INSERT INTO "damage" VALUES('writer-000001.seg',7,'torn');
CREATE TABLE entries(
        seq INTEGER PRIMARY KEY,
        call_id ANY NOT NULL UNIQUE, -- this id and the others: bytes where it is hexadecimal, else text
        kind INTEGER NOT NULL, -- of kinds
        started_at INTEGER NOT NULL, -- nanoseconds
        duration INTEGER, -- nanoseconds
        time_to_headers INTEGER,
        time_to_first_token INTEGER,
        input_tokens INTEGER,
        output_tokens INTEGER,
        total_tokens INTEGER, -- beyond the sum of those two
        cached_tokens INTEGER,
        cache_write_tokens INTEGER,
        reasoning_tokens INTEGER,
        cost INTEGER, -- pico-dollars
        cost_text TEXT, -- as stated, where the pico-dollars do not say it to the digit
        upstream_cost INTEGER, -- beyond the cost
        upstream_cost_text TEXT,
        upstream_input_cost INTEGER,
        upstream_output_cost INTEGER, -- both parts, beyond the upstream cost
        output_chunks INTEGER,
        user INTEGER, -- of texts
        session INTEGER, -- of texts
        tags INTEGER, -- of texts, a JSON object
        setting INTEGER, -- of texts, a JSON object
        generation_id TEXT,
        response_id ANY, -- 1 where it is the generation_id
        error_message TEXT,
        more TEXT, -- a JSON object of what is stated besides
        trace_id ANY,
        span_id ANY,
        parent_span_id ANY,
        awaits_cost INTEGER, -- 1 where OpenRouter has not stated the cost
        job INTEGER, -- 1 for what is billed when it is done
        outsize INTEGER -- 1 where a number is too large for the sums, or the cost below zero
    ) STRICT;
INSERT INTO "entries" VALUES(1,X'00112233445566778899AABBCCDDEEFF',1,1790000000123456789,2500000000,200000000,300000000,100,50,0,40,NULL,10,420000000,NULL,0,NULL,120000000,0,12,3,2,4,NULL,'gen-1790000000-abcdefghijklmnop',1,NULL,'{"parameters":{"temperature":0.5,"seed":7}}',X'0AF7651916CD43DD8448EB211C80319C',X'B7AD6B7169203331',X'00F067AA0BA902B7',NULL,NULL,NULL);
INSERT INTO "entries" VALUES(2,'not hexadecimal',2,1790086400123456789,100000000,NULL,NULL,9,NULL,NULL,NULL,NULL,NULL,123456789012,'0.1234567890123456',NULL,NULL,NULL,NULL,NULL,3,NULL,NULL,NULL,NULL,'of-its-own',NULL,'{"metadata":{"k":"v"}}',NULL,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "entries" VALUES(3,X'FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF',3,1792592000123456789,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'12345678901234567890.5',NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "entries" VALUES(4,X'00000000000000000000000000000001',4,1792678400123456789,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,'Rate limit exceeded','{"retry_after":1.5}',NULL,NULL,NULL,1,NULL,NULL);
INSERT INTO "entries" VALUES(5,X'00000000000000000000000000000002',5,1792764800123456789,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,3,NULL,NULL,NULL,NULL,'job-1',NULL,NULL,NULL,NULL,NULL,1,1,NULL);
CREATE TABLE in_flight(call_id TEXT PRIMARY KEY, writer TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
INSERT INTO "in_flight" VALUES('00000000000000000000000000000003','writer',X'DE0004A474797065A463616C6CA763616C6C5F6964D9203030303030303030303030303030303030303030303030303030303030303033A96F7065726174696F6EA463686174AA737461727465645F6174CF18D75B842B4ECD15');
CREATE TABLE kept(since_day INTEGER NOT NULL) STRICT;
CREATE TABLE kinds(
        id INTEGER PRIMARY KEY,
        whole TEXT NOT NULL UNIQUE, -- all that follows, as a JSON array
        operation TEXT NOT NULL,
        outcome TEXT NOT NULL,
        server_address TEXT,
        server_port INTEGER,
        http_status INTEGER,
        error_type TEXT,
        streamed INTEGER NOT NULL,
        request_model TEXT,
        request_models TEXT NOT NULL, -- a JSON array
        response_model TEXT,
        provider TEXT,
        finish_reason TEXT,
        native_finish_reason TEXT,
        is_byok INTEGER,
        cost_source TEXT,
        app TEXT,
        key_hash TEXT,
        sampled INTEGER NOT NULL
    ) STRICT;
INSERT INTO "kinds" VALUES(1,'["chat","completed","openrouter.ai",443,200,null,true,"openai/gpt-5","[\"openai/gpt-5\",\"openai/gpt-5-mini\"]","openai/gpt-5-2025-08-07","Azure","stop","completed",false,"response","shop","5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",true]','chat','completed','openrouter.ai',443,200,NULL,1,'openai/gpt-5','["openai/gpt-5","openai/gpt-5-mini"]','openai/gpt-5-2025-08-07','Azure','stop','completed',0,'response','shop','5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8',1);
INSERT INTO "kinds" VALUES(2,'["embeddings","completed",null,null,200,null,false,"openai/text-embedding-3-small","[]",null,null,null,null,null,"response",null,null,true]','embeddings','completed',NULL,NULL,200,NULL,0,'openai/text-embedding-3-small','[]',NULL,NULL,NULL,NULL,NULL,'response',NULL,NULL,1);
INSERT INTO "kinds" VALUES(3,'["chat","completed",null,null,200,null,false,"m","[]",null,null,null,null,null,"response",null,null,true]','chat','completed',NULL,NULL,200,NULL,0,'m','[]',NULL,NULL,NULL,NULL,NULL,'response',NULL,NULL,1);
INSERT INTO "kinds" VALUES(4,'["chat","error",null,null,429,"429",false,"m","[]",null,null,null,null,null,null,null,null,true]','chat','error',NULL,NULL,429,'429',0,'m','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
INSERT INTO "kinds" VALUES(5,'["video","completed",null,null,202,null,false,"v","[]",null,null,null,null,null,null,null,null,true]','video','completed',NULL,NULL,202,NULL,0,'v','[]',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1);
CREATE TABLE kinds_daily(
        day INTEGER, kind INTEGER, calls INTEGER NOT NULL, errors INTEGER NOT NULL, priced INTEGER NOT NULL, refused INTEGER NOT NULL, estimated INTEGER NOT NULL, input_tokens_stated INTEGER NOT NULL, output_tokens_stated INTEGER NOT NULL, cached_tokens_stated INTEGER NOT NULL, reasoning_tokens_stated INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, carry INTEGER NOT NULL, PRIMARY KEY(day, kind)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "kinds_daily" VALUES(20717,1,1,0,1,0,0,1,1,1,1,100,50,40,10,420000000,0);
INSERT INTO "kinds_daily" VALUES(20718,2,1,0,1,0,0,1,0,0,0,9,0,0,0,123456789012,0);
INSERT INTO "kinds_daily" VALUES(20748,4,1,1,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO "kinds_daily" VALUES(20749,5,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
CREATE TABLE late(seq INTEGER PRIMARY KEY, key TEXT NOT NULL, payload BLOB NOT NULL) STRICT;
CREATE TABLE latencies(
        measure INTEGER, route INTEGER, -- of texts, a JSON array: operation, model, provider
        bucket INTEGER, day INTEGER, calls INTEGER NOT NULL, PRIMARY KEY(measure, route, bucket, day)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "latencies" VALUES(1,5,500,20717,1);
INSERT INTO "latencies" VALUES(1,6,426,20718,1);
INSERT INTO "latencies" VALUES(2,5,451,20717,1);
INSERT INTO "latencies" VALUES(3,5,73,20717,1);
CREATE TABLE lookups(
        call_id TEXT PRIMARY KEY,
        misses INTEGER NOT NULL,
        next_at INTEGER NOT NULL, -- nanoseconds
        given_up TEXT -- why; NULL while it is tried
    ) STRICT;
CREATE TABLE lost(writer TEXT, reason TEXT, count INTEGER NOT NULL, PRIMARY KEY(writer, reason)) STRICT;
INSERT INTO "lost" VALUES('writer','queue full',3);
CREATE TABLE lost_cost(writer TEXT PRIMARY KEY, cost_text TEXT NOT NULL) STRICT;
INSERT INTO "lost_cost" VALUES('writer','0.25');
CREATE TABLE segments(name TEXT PRIMARY KEY, end INTEGER NOT NULL) STRICT;
INSERT INTO "segments" VALUES('writer-000001.seg',1000);
CREATE TABLE texts(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
INSERT INTO "texts" VALUES(1,'rich');
INSERT INTO "texts" VALUES(2,'s_7');
INSERT INTO "texts" VALUES(3,'u_42');
INSERT INTO "texts" VALUES(4,'{"feature":"search","a \"quoted\" key":"ü"}');
INSERT INTO "texts" VALUES(5,'["chat","openai/gpt-5-2025-08-07","Azure"]');
INSERT INTO "texts" VALUES(6,'["embeddings","openai/text-embedding-3-small",null]');
CREATE TABLE users_daily(
        day INTEGER, user INTEGER, -- 0 for none
        calls INTEGER NOT NULL, errors INTEGER NOT NULL, priced INTEGER NOT NULL, refused INTEGER NOT NULL, estimated INTEGER NOT NULL, input_tokens_stated INTEGER NOT NULL, output_tokens_stated INTEGER NOT NULL, cached_tokens_stated INTEGER NOT NULL, reasoning_tokens_stated INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, carry INTEGER NOT NULL, PRIMARY KEY(day, user)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "users_daily" VALUES(20717,3,1,0,1,0,0,1,1,1,1,100,50,40,10,420000000,0);
INSERT INTO "users_daily" VALUES(20718,3,1,0,1,0,0,1,0,0,0,9,0,0,0,123456789012,0);
INSERT INTO "users_daily" VALUES(20748,0,1,1,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO "users_daily" VALUES(20749,3,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
CREATE TABLE users_monthly(
        month INTEGER, -- months since the year 0
        user INTEGER, calls INTEGER NOT NULL, errors INTEGER NOT NULL, priced INTEGER NOT NULL, refused INTEGER NOT NULL, estimated INTEGER NOT NULL, input_tokens_stated INTEGER NOT NULL, output_tokens_stated INTEGER NOT NULL, cached_tokens_stated INTEGER NOT NULL, reasoning_tokens_stated INTEGER NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, cached_tokens INTEGER NOT NULL, reasoning_tokens INTEGER NOT NULL, cost INTEGER NOT NULL, carry INTEGER NOT NULL, PRIMARY KEY(month, user)
    ) STRICT, WITHOUT ROWID;
INSERT INTO "users_monthly" VALUES(24320,3,2,0,2,0,0,2,1,1,1,109,50,40,10,123876789012,0);
INSERT INTO "users_monthly" VALUES(24321,0,1,1,0,1,0,0,0,0,0,0,0,0,0,0,0);
INSERT INTO "users_monthly" VALUES(24321,3,1,0,0,0,0,0,0,0,0,0,0,0,0,0,0);
CREATE INDEX entries_by_time ON entries(started_at);
CREATE INDEX entries_by_user ON entries(user, started_at) WHERE user IS NOT NULL;
CREATE INDEX entries_by_session ON entries(session) WHERE session IS NOT NULL;
CREATE INDEX entries_by_job ON entries(response_id) WHERE job;
CREATE INDEX entries_awaiting_cost ON entries(started_at) WHERE awaits_cost;
CREATE INDEX entries_outsize ON entries(started_at) WHERE outsize;
CREATE VIEW calls AS SELECT
        entries.seq, iif(typeof(call_id) = 'blob', lower(hex(call_id)), call_id) AS call_id, operation, started_at, outcome, server_address, server_port,
        http_status, error_type, error_message, duration, time_to_headers, time_to_first_token, streamed,
        request_model, request_models, generation_id, iif(response_id = 1, generation_id, response_id) AS response_id,
        response_model, provider, finish_reason, native_finish_reason, input_tokens, output_tokens,
        total_tokens + coalesce(input_tokens + output_tokens, 0) AS total_tokens,
        cached_tokens, cache_write_tokens, reasoning_tokens, cost, coalesce(cost_text, iif(cost IS NULL, NULL, rtrim(rtrim(printf('%s%d.%012d', iif(cost < 0, '-', ''), abs(cost) / 1000000000000, abs(cost) % 1000000000000), '0'), '.'))) AS cost_text,
        (upstream_cost + coalesce(cost, 0)) AS upstream_cost, coalesce(upstream_cost_text, iif((upstream_cost + coalesce(cost, 0)) IS NULL, NULL, rtrim(rtrim(printf('%s%d.%012d', iif((upstream_cost + coalesce(cost, 0)) < 0, '-', ''), abs((upstream_cost + coalesce(cost, 0))) / 1000000000000, abs((upstream_cost + coalesce(cost, 0))) % 1000000000000), '0'), '.'))) AS upstream_cost_text,
        coalesce(NULL, iif(upstream_input_cost IS NULL, NULL, rtrim(rtrim(printf('%s%d.%012d', iif(upstream_input_cost < 0, '-', ''), abs(upstream_input_cost) / 1000000000000, abs(upstream_input_cost) % 1000000000000), '0'), '.'))) AS upstream_input_cost_text,
        coalesce(NULL, iif((upstream_output_cost + coalesce((upstream_cost + coalesce(cost, 0)), 0) - upstream_input_cost) IS NULL, NULL, rtrim(rtrim(printf('%s%d.%012d', iif((upstream_output_cost + coalesce((upstream_cost + coalesce(cost, 0)), 0) - upstream_input_cost) < 0, '-', ''), abs((upstream_output_cost + coalesce((upstream_cost + coalesce(cost, 0)), 0) - upstream_input_cost)) / 1000000000000, abs((upstream_output_cost + coalesce((upstream_cost + coalesce(cost, 0)), 0) - upstream_input_cost)) % 1000000000000), '0'), '.'))) AS upstream_output_cost_text, output_chunks, is_byok, cost_source,
        users.text AS user,
        sessions.text AS session, coalesce(tagged.text, '{}') AS tags, app, key_hash,
        json_patch(coalesce(settings.text, '{}'), coalesce(more, '{}')) AS more,
        iif(typeof(trace_id) = 'blob', lower(hex(trace_id)), trace_id) AS trace_id, iif(typeof(span_id) = 'blob', lower(hex(span_id)), span_id) AS span_id, iif(typeof(parent_span_id) = 'blob', lower(hex(parent_span_id)), parent_span_id) AS parent_span_id,
        sampled, awaits_cost
    FROM entries JOIN kinds ON kinds.id = entries.kind
    LEFT JOIN texts AS users ON users.id = entries.user
    LEFT JOIN texts AS sessions ON sessions.id = entries.session
    LEFT JOIN texts AS tagged ON tagged.id = entries.tags
    LEFT JOIN texts AS settings ON settings.id = entries.setting;
CREATE VIEW calls_usd AS SELECT
        *, CAST(cost_text AS REAL) AS cost_usd, CAST(upstream_cost_text AS REAL) AS upstream_cost_usd,
        strftime('%Y-%m-%dT%H:%M:%fZ', started_at / 1e9, 'unixepoch') AS started, duration / 1e9 AS duration_s
    FROM calls;
CREATE INDEX users_monthly_by_cost ON users_monthly(month, cost);
CREATE INDEX late_by_key ON late(key);
COMMIT;
PRAGMA user_version=1;
