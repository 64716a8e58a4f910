/** The one schema of the configuration: millrace.yaml and the environment, checked, with defaults that need no file. */
import { z } from "zod";
import { schedule, supervisor } from "./supervisor_schema.ts";
import { timeZone } from "./time_zone.ts";
import { csv } from "./csv_files.ts";
import { schemaRegistry } from "./schema_registry.ts";
import { PRESET_NAMES } from "../minutes/preset.ts";
import { MEASURES, TEXT_FIELDS } from "../minutes/fields.ts";

export { timeZone };

const MAPPED_FIELDS = ["timestamp", ...TEXT_FIELDS, ...MEASURES.map((measure) => measure.name)] as const;
export type MappedField = (typeof MAPPED_FIELDS)[number];

/** Per field, key paths (dots descend into objects) tried before the usual names, in this order. */
const fieldMapping = z.partialRecord(z.enum(MAPPED_FIELDS), z.array(z.string().min(1)).max(16));
export type FieldMapping = z.infer<typeof fieldMapping>;

/** Kafka's rule for names, so that every topic can move to a cluster. */
export const topicName = z.string().regex(
  /^(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}$/,
  "a topic is 1 to 249 letters, digits, dots, underscores or hyphens, and not . or ..",
);

const topicSettings = z.strictObject({
  format: z.string().optional()
    .describe("Parser; absent: the one the topic was made with, else detected from its first records."),
  preset: z.enum(PRESET_NAMES).optional().describe("Dimensions and measures; absent: the parser's own."),
  partitions: z.int().min(1).max(1024).optional()
    .describe("Partitions when the topic is made by writing to it; absent: log.partitions."),
  timeZone: timeZone.default("UTC").describe("Zone of timestamps that name none, as in Europe/Berlin."),
  mapping: fieldMapping.default({})
    .describe("Per field, the keys to read it from (dots descend into objects), before the usual names."),
});
export type TopicSettings = z.infer<typeof topicSettings>;

const megabyte = 1024 * 1024;

/** A text that is never printed: passwords and the like. */
const secret = z.string().default("").meta({ isSecret: true });

const kafka = z.strictObject({
  brokers: z.array(z.string().regex(/^[^\s,:]+:\d{1,5}$/, "no HOST:PORT")).default([]).meta({ alias: "KAFKA_BROKERS" })
    .describe("Brokers to begin with, each HOST:PORT; empty: the embedded log is used."),
  topics: z.array(z.string().min(1)).min(1).default(["*"]).describe(
    "Topics to process: names, or patterns with *; internal ones and those that Millrace writes are left out of *.",
  ),
  groupId: z.string().min(1).max(249).default("millrace").describe("Consumer group of the engines."),
  clientId: z.string().min(1).default("millrace").describe("Name towards the brokers, for quotas and their logs."),
  instanceId: z.string().default("").describe(
    "A name of this engine that stays over restarts makes it a static member of the group; empty: none.",
  ),
  sessionTimeoutMs: z.int().min(1000).max(300_000).default(10_000)
    .describe("An engine that is silent for so long loses its partitions to others."),
  heartbeatIntervalMs: z.int().min(100).default(2_000).describe("Time between two heartbeats."),
  rebalanceTimeoutMs: z.int().min(1000).default(30_000).describe(
    "Longest time that the group waits for a member to join anew.",
  ),
  requestTimeoutMs: z.int().min(1000).default(30_000).describe(
    "Longest time that a broker may take to answer, and that a start waits for one.",
  ),
  createTopics: z.boolean().default(true).describe(
    "Whether a topic that is written to and missing is made, or refused.",
  ),
  replicationFactor: z.int().min(-1).max(32_767).default(-1).describe(
    "Replicas of topics that are made; -1: as the brokers have it.",
  ),
  compression: z.enum(["none", "gzip", "snappy", "lz4", "zstd"]).default("lz4").describe(
    "Codec of batches that are produced.",
  ),
  tls: z.boolean().default(false).describe("Whether connections are encrypted."),
  caFile: z.string().default("").describe("Certificates to trust, PEM; empty: the system's."),
  certFile: z.string().default("").describe("Certificate of this client, PEM; empty: none."),
  keyFile: z.string().default("").describe("Key of the client's certificate, PEM."),
  saslMechanism: z.enum(["none", "PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]).default("none")
    .describe("How to authenticate."),
  username: z.string().default("").describe("User for PLAIN and SCRAM."),
  password: secret.describe("Password for PLAIN and SCRAM; better in a file."),
  passwordFile: z.string().default("").describe("File with the password, read at each connection."),
  tokenFile: z.string().default("").describe("File with the token for OAUTHBEARER, read at each connection."),
});

const cassandra = z.strictObject({
  contactPoints: z.array(z.string().min(1)).default([]).meta({ alias: "CASSANDRA_CONTACT_POINTS" }).describe(
    "Nodes to begin with, each HOST or HOST:PORT; empty: the embedded store is used.",
  ),
  localDataCenter: z.string().default("").describe(
    "Data centre whose nodes are asked; empty: that of the first node that answers.",
  ),
  keyspace: z.string().regex(/^[a-z][a-z0-9_]{0,47}$/, "a keyspace is a letter, then up to 47 of a-z, 0-9 and _")
    .default("millrace").describe("Keyspace of all tables."),
  replication: z.array(z.string().regex(/^[\w-]+:[1-9]\d*$/, "no DATACENTRE:REPLICAS")).default([]).describe(
    "Replicas of a keyspace that is made, each DATACENTRE:REPLICAS; empty: one, by SimpleStrategy.",
  ),
  createSchema: z.boolean().default(true).describe("Whether what is missing is made at a start, or left to `migrate`."),
  consistency: z.enum(["LOCAL_ONE", "LOCAL_QUORUM", "QUORUM", "ALL", "ONE"]).default("LOCAL_QUORUM").describe(
    "Consistency of reads and plain writes.",
  ),
  serialConsistency: z.enum(["LOCAL_SERIAL", "SERIAL"]).default("LOCAL_SERIAL").describe(
    "Consistency of the compare-and-sets: SERIAL where engines run in several data centres.",
  ),
  requestTimeoutMs: z.int().min(500).default(12_000).describe("Longest time that a node may take to answer."),
  username: z.string().default("").describe("User, where nodes want one."),
  password: secret.describe("Password of the user; better in a file."),
  passwordFile: z.string().default("").describe("File with the password."),
  tls: z.boolean().default(false).describe("Whether connections are encrypted."),
  caFile: z.string().default("").describe("Certificates to trust, PEM; empty: the system's."),
});

const archive = z.strictObject({
  location: z.string().default("").describe(
    "Where all events are kept as Parquet files: a directory, s3://BUCKET/PREFIX or webhdfs://HOST:PORT[,HOST:PORT]/PATH; " +
      "empty: none, or the directory archive below data where engine.events is archive.",
  ),
  segmentSeconds: z.int().min(1).max(3600).default(60).describe("Age at which records that wait become a segment."),
  segmentBytes: z.int().min(megabyte).max(1024 * megabyte).default(32 * megabyte).describe(
    "Size of a segment, compressed, at which it is written before that; less where many partitions share the memory.",
  ),
  mergeAfterSeconds: z.int().min(0).default(600).describe(
    "An hour that has not got segments for so long has those of a partition merged into one.",
  ),
  retentionDays: z.number().min(0).default(0).describe("Age at which hours are deleted from the archive; 0: never."),
  cacheBytesMax: z.int().min(64 * megabyte).default(4096 * megabyte).describe(
    "Disk that copies of archived files, fetched to be searched, may take up below data.",
  ),
  endpoint: z.string().default("").describe("URL of an S3-compatible service; empty: AWS."),
  region: z.string().default("us-east-1").describe("Region of the bucket."),
  createBucket: z.boolean().default(false).describe(
    "Whether a bucket that is missing is made, or told of as an error.",
  ),
  pathStyle: z.enum(["auto", "yes", "no"]).default("auto").describe(
    "Whether the bucket is named in the path rather than in the host; auto: where there is an endpoint.",
  ),
  checksums: z.enum(["auto", "yes", "no"]).default("auto").describe(
    "Whether requests carry AWS's newer checksums, which many other services refuse; auto: without an endpoint.",
  ),
  accessKeyId: z.string().default("").describe("Key; empty: as AWS's tools find it (environment, profile, instance)."),
  secretAccessKey: secret.describe("Its secret; better in a file."),
  secretAccessKeyFile: z.string().default("").describe("File with the secret, read anew every minute."),
  sessionTokenFile: z.string().default("").describe("File with a session token, read anew every minute; empty: none."),
  user: z.string().default("").describe("User towards HDFS, where it is not kerberised; empty: its own default."),
});

const analyzer = z.strictObject({
  host: z.string().min(1).default("127.0.0.1").describe("Address of the analyzer's health and metrics."),
  port: z.int().min(0).max(65535).default(8082).describe("Port of the same; 0: any free one."),
  enabled: z.boolean().default(true).describe("Whether `dev` explains errors and watches alerts."),
  groupId: z.string().min(1).max(249).default("batch_consumer_group").describe(
    "Consumer group of the analyzers: their place in the log is their own.",
  ),
  batchErrors: z.int().min(1).max(1000).default(10).describe("Errors that are taken together."),
  batchSeconds: z.number().min(0.1).max(60).default(2).describe("Longest time that an error waits for others."),
  groupSeconds: z.int().min(0).max(3600).default(120).describe(
    "Errors of a service that begin within so long of each other are one incident.",
  ),
  liveMinutes: z.int().min(1).max(1440).default(15).describe(
    "Errors older than this are history: they are kept, and nobody is told.",
  ),
  quietMinutes: z.int().min(1).max(1440).default(30).describe("An incident without an error for so long is resolved."),
  regressedHours: z.number().min(0).default(6).describe(
    "An error that comes back so long after its incident is a new one; sooner, it is the same.",
  ),
  staleDays: z.number().positive().default(7).describe(
    "Age at which a summary is written anew while its error goes on.",
  ),
  incidentsMax: z.int().min(1).max(1000).default(20).describe(
    "Incidents that may begin within ten minutes; what comes on top is told of in one.",
  ),
  keptDays: z.number().positive().default(90).describe("Age at which resolved incidents are forgotten."),
  fingerprintsMax: z.int().min(100).max(50_000).default(2_000).describe(
    "Kinds of errors of a topic that are known at a time; those met longest ago are forgotten.",
  ),
  summaryWaitSeconds: z.number().min(0).max(120).default(10).describe(
    "How long the first message of an incident waits for its summary.",
  ),
  redactionKey: secret.describe("Key of the pseudonyms; empty: one that is made once and kept in the store."),
  rulesFile: z.string().default("").describe(
    "File with the rules of alerts, read again when it changes; empty: built-in.",
  ),
  alertmanagers: z.array(z.string().regex(/^https?:\/\/\S+$/, "no http or https URL")).default([]).describe(
    "Alertmanagers that get all alerts through their API v2, each as http://HOST:PORT.",
  ),
});

const mistral = z.strictObject({
  apiKey: secret.meta({ alias: "MISTRAL_API_KEY" }).describe(
    "Key to Mistral; better in a file; with neither, and the server of Mistral, errors are told without a summary.",
  ),
  apiKeyFile: z.string().default("").describe("File with the key, read anew for every call."),
  serverUrl: z.url({ protocol: /^https?$/, error: "not a URL that begins with http:// or https://" })
    .default("https://api.mistral.ai").describe("Where /v1/chat/completions is; also a model of one's own."),
  model: z.string().min(1).default("mistral-small-latest").describe("Model that writes summaries."),
  timeoutMs: z.int().min(1000).max(600_000).default(60_000).describe(
    "Longest time for a summary, with all its attempts.",
  ),
  maxTokens: z.int().min(200).max(32_768).default(1500).describe("Longest answer, in tokens."),
  concurrency: z.int().min(1).max(64).default(2).describe("Summaries under way at a time."),
  coolDownSeconds: z.int().min(0).default(600).describe(
    "Least time between two calls about the same error; 0: as often as it is asked.",
  ),
  callsPerMinute: z.int().min(0).default(20).describe("Calls in any 60 seconds; 0: no limit."),
  callsPerDay: z.int().min(0).default(0).describe("Calls a day (UTC); 0: no limit."),
  tokensPerMinute: z.int().min(0).default(0).describe(
    "Tokens in any 60 seconds, of questions and answers; 0: no limit.",
  ),
  tokensPerDay: z.int().min(0).default(1_000_000).describe("Tokens a day (UTC); 0: no limit."),
  usdPerMinute: z.number().min(0).default(0).describe("US dollars in any 60 seconds; 0: no limit."),
  usdPerDay: z.number().min(0).default(1).describe("US dollars a day (UTC); 0: no limit."),
  inputUsdPerMillion: z.number().min(0).default(0.15).describe("Price of a million tokens of questions, US dollars."),
  outputUsdPerMillion: z.number().min(0).default(0.6).describe("Price of a million tokens of answers, US dollars."),
  promptsDirectory: z.string().default("").describe(
    "Directory with prompts of one's own: system.md, user.md, repair.md, services/NAME.md; empty: the built-in ones.",
  ),
});

/** Names or patterns with *; an empty list stands for all. */
const patterns = z.array(z.string().min(1)).default([]);

const notifyRoute = z.strictObject({
  topics: patterns.describe("Topics, as names or patterns with *; empty: all."),
  services: patterns.describe("Services, likewise."),
  kinds: z.array(z.enum(["error", "alert"])).default([]).describe("Kinds of matters: error, alert; empty: both."),
  severities: z.array(z.enum(["critical", "error", "warning", "info"])).default([])
    .describe("Severities: critical, error, warning, info; empty: all."),
  to: z.array(
    z.string().refine(
      (name) => /^(console|slack:\S+|email:\S+@\S+|webhook:[\w-]+)$/.test(name),
      "no console, slack:CHANNEL, email:ADDRESS or webhook:NAME",
    ),
  ).describe("Who is told: console, slack:#CHANNEL, email:ADDRESS, webhook:NAME; an empty list: nobody."),
  continue: z.boolean().default(false).describe("Whether the routes after this one are looked at too."),
});
export type NotifyRoute = z.infer<typeof notifyRoute>;

const webhook = z.strictObject({
  url: secret.describe("Where to post; may hold a key, so it is not shown."),
  urlFile: z.string().default("").describe("File with the URL."),
  secret: secret.describe("Key of the signature in the header X-Millrace-Signature; empty: none."),
  secretFile: z.string().default("").describe("File with the key."),
  bodyTemplate: z.string().default("").describe(
    "Body, with {{text}}, {{title}}, {{severity}} and the like in it, as providers of SMS want it; empty: all as JSON.",
  ),
  contentType: z.string().min(1).default("application/json").describe("Content type of the body."),
});
export type WebhookSettings = z.infer<typeof webhook>;

const notify = z.strictObject({
  slack: z.strictObject({
    token: secret.meta({ isSecret: true, alias: "SLACK_BOT_TOKEN" }).describe(
      "Bot token of a Slack app, xoxb-...; empty: no Slack. Better in a file.",
    ),
    tokenFile: z.string().default("").describe("File with the token."),
    apiUrl: z.url({ protocol: /^https?$/ }).default("https://slack.com/api/").describe("Slack's Web API."),
    channel: z.string().default("").meta({ alias: "SLACK_CHANNEL" }).describe(
      "Channel where no route says otherwise: #NAME, or better its id.",
    ),
    signingSecret: secret.meta({ isSecret: true, alias: "SLACK_SIGNING_SECRET" }).describe(
      "Signing secret of the app, for buttons over HTTP; empty: no buttons that way.",
    ),
    signingSecretFile: z.string().default("").describe("File with the signing secret."),
    appToken: secret.meta({ isSecret: true, alias: "SLACK_APP_TOKEN" }).describe(
      "App-level token, xapp-..., for buttons over Socket Mode, without a public address; empty: none.",
    ),
    appTokenFile: z.string().default("").describe("File with the app-level token."),
  }).prefault({}),
  email: z.strictObject({
    host: z.string().default("").describe("Mail server (SMTP); empty: no e-mail."),
    port: z.int().min(1).max(65535).default(587).describe("Its port."),
    security: z.enum(["starttls", "tls", "none"]).default("starttls").describe(
      "Encryption: after the greeting, from the beginning, or none.",
    ),
    username: z.string().default("").describe("User of the mail server, where it wants one."),
    password: secret.describe("Password of the user; better in a file."),
    passwordFile: z.string().default("").describe("File with the password."),
    from: z.string().default("").describe("Address that messages come from."),
  }).prefault({}),
  webhooks: z.record(z.string().regex(/^[\w-]+$/, "a webhook's name is letters, digits, _ and -"), webhook).default({}),
  routes: z.array(notifyRoute).max(1_000).default([]),
});
export type NotifySettings = z.infer<typeof notify>;

export const configSchema = z.strictObject({
  data: z.string().min(1).default("./data").describe("Where the embedded log and store keep their files."),
  gateway: z.strictObject({
    host: z.string().min(1).default("127.0.0.1").describe("Address to listen on; 0.0.0.0 for every interface."),
    port: z.int().min(0).max(65535).default(8080).describe("Port to listen on; 0: any free one."),
    publicUrl: z.string().regex(/^(?:https?:\/\/[^\s]+[^\s/])?$/, "no http or https URL without a slash at its end")
      .default("")
      .describe("Where people reach the gateway, for links in messages; empty: as this machine does."),
    ingestBodyBytesMax: z.int().min(1024).default(64 * megabyte)
      .describe("Largest body that the ingest endpoint takes, before and after decompression."),
    ingestPendingBytesMax: z.int().min(megabyte).default(128 * megabyte)
      .describe("Bytes accepted but not yet durable, over all requests, before the answer is 429."),
    userHeader: z.string().regex(/^[A-Za-z0-9-]*$/, "the name of a header is expected").default("").describe(
      "Header in which a proxy in front says who asks, as X-Forwarded-User: settings and views are then kept by user; empty: by browser.",
    ),
  }).prefault({}),
  engine: z.strictObject({
    host: z.string().min(1).default("127.0.0.1").describe(
      "Address of the engine's health and metrics, where it is a program of its own.",
    ),
    port: z.int().min(0).max(65535).default(8081).describe("Port of the same; 0: any free one."),
    workers: z.int().min(0).max(256).default(0).describe("Worker threads; 0: one a core."),
    flushIntervalMs: z.int().min(50).max(60_000).default(500)
      .describe("Longest time between a record's arrival and its flush to the store."),
    latenessSeconds: z.int().min(0).max(86_400).default(60)
      .describe("How far behind a partition's largest event time its watermark stays."),
    futureSeconds: z.int().min(0).max(86_400).default(600)
      .describe("An event further ahead of its record's time than this is counted at the record's time."),
    recordBytesMax: z.int().min(1024).max(64 * megabyte).default(megabyte)
      .describe("Longer records go to quarantine as too_large."),
    fetchBytes: z.int().min(65_536).max(64 * megabyte).default(megabyte)
      .describe("Bytes that a worker asks of a partition at a time."),
    pendingRowsMax: z.int().min(1000).default(20_000)
      .describe("Event and quarantine rows of a partition before it flushes early; bounds memory."),
    events: z.enum(["store", "archive", "off"]).default("store").describe(
      "Whether every event is kept (searchable) in the store, in the archive alone, or not: minutes and quarantine only.",
    ),
    finalMinutes: z.enum(["auto", "topic", "off"]).default("auto").describe(
      "Whether final minutes of topic T are published to agg_T, as JSON; auto: where the log is Kafka.",
    ),
    onGap: z.enum(["stop", "continue"]).default("stop").describe(
      "Where the log no longer holds what comes next: stop the partition until told, or record the gap and go on.",
    ),
  }).prefault({}),
  log: z.strictObject({
    partitions: z.int().min(1).max(1024).default(4).describe(
      "Partitions of a topic that is made without saying how many.",
    ),
    segmentBytes: z.int().min(65_536).default(64 * megabyte).describe(
      "Size at which a segment file is followed by the next.",
    ),
    fsync: z.enum(["always", "interval", "never"]).default("interval").describe(
      "always: an fsync before every answer. interval: at most fsyncIntervalMs of answers share one. never: the system's choice.",
    ),
    fsyncIntervalMs: z.int().min(1).max(10_000).default(20).describe("Longest wait of an answer for a shared fsync."),
    retentionHours: z.number().positive().default(24).describe(
      "Records older than this are deleted, whole segments at a time.",
    ),
    retentionBytes: z.int().min(megabyte).default(1024 * megabyte)
      .describe("Size of a partition beyond which its oldest segments are deleted."),
    recordBytesMax: z.int().min(1024).max(128 * megabyte).default(16 * megabyte)
      .describe("A longer record is refused by whoever writes it."),
  }).prefault({}),
  kafka: kafka.prefault({}),
  cassandra: cassandra.prefault({}),
  store: z.strictObject({
    kind: z.enum(["auto", "duckdb", "cassandra"]).default("auto").describe(
      "Where minutes and events are kept; auto: Cassandra where it has contact points, else the embedded DuckDB.",
    ),
    memoryBytes: z.int().min(64 * megabyte).default(128 * megabyte).describe("What DuckDB may hold in memory."),
    threads: z.int().min(0).max(256).default(0).describe(
      "Threads that DuckDB gives to a statement; 0: one for every four cores.",
    ),
    cellBytes: z.int().min(0).default(192 * megabyte).describe(
      "What minute cells held in memory, to answer series and summaries from, may take up.",
    ),
    readyBytes: z.int().min(0).default(1024 * megabyte).describe(
      "What hours that are kept ready to be exported may take up on disk; 0: none are.",
    ),
    minutesRetentionDays: z.number().positive().default(400).describe("Age at which minute cells are deleted."),
    eventsRetentionDays: z.number().positive().default(7).describe("Age at which events and quarantine are deleted."),
  }).prefault({}),
  schemaRegistry: schemaRegistry.prefault({}),
  csv: csv.prefault({}),
  archive: archive.prefault({}),
  generator: z.strictObject({
    rate: z.number().positive().max(10_000_000).default(200).describe("Events a second that the generator makes."),
    seed: z.int().min(0).default(1).describe("The same seed makes the same events."),
    scenarios: z.array(z.string().min(1)).min(1).default(["api", "access", "payment"]).describe(
      "Kinds of traffic, each with a topic of its own: api, access, payment, mixed.",
    ),
    shape: z.enum(["flat", "realistic"]).default("flat").describe(
      "Whether the rate is always the same, or that of days, nights and weekends.",
    ),
    script: z.string().default("").describe("File with incidents to make (docs/generator.md); empty: none."),
    workers: z.int().min(1).max(64).default(1).describe("Threads that make events."),
    payments: z.enum(["json", "avro", "json_schema"]).default("json").describe(
      "How payments are encoded: as JSON, or as Avro or JSON whose schema is registered.",
    ),
    host: z.string().min(1).default("127.0.0.1").describe(
      "Address of the generator's health and metrics, where it is a program of its own.",
    ),
    port: z.int().min(0).max(65535).default(8083).describe("Port of the same; 0: any free one."),
  }).prefault({}),
  analyzer: analyzer.prefault({}),
  mistral: mistral.prefault({}),
  notify: notify.prefault({}),
  supervisor: supervisor.prefault({}),
  schedules: z.record(z.string().min(1).max(100), schedule).default({}),
  topics: z.record(topicName, topicSettings).default({}),
});
export type Config = z.infer<typeof configSchema>;

/** The settings of a topic: the configured ones, or the defaults. */
export function topicSettingsOf(config: Config, name: string): TopicSettings {
  // A topic may be called `constructor`: only what the configuration itself holds counts.
  return Object.hasOwn(config.topics, name) ? config.topics[name] : topicSettings.parse({});
}
