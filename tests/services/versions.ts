/** Versions of the services that Millrace works with: what tests start, and what compose.yaml names. */
export const VERSIONS = {
  kafka: "4.1.0",
  cassandra: "5.0.5",
  registry: "2.6.13.Final",
} as const;

/** Versions of what stands in for the archives of others: S3 and HDFS. */
export const ARCHIVES = { hadoop: "3.4.2", moto: "5.2.5", s3proxy: "2.6.0" } as const;

/** Versions of programs that compute the same. */
export const PEERS = {
  spark: "3.5.7",
  flink: "1.20.3",
  flinkKafka: "3.4.0-1.20",
  kafkaClients: "4.1.0",
  jackson: "2.21.3",
} as const;
