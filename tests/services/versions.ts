/** Versions of the services that Millrace works with: what tests start, and what compose.yaml names. */
export const VERSIONS = {
  kafka: "4.1.0",
  cassandra: "5.0.5",
  registry: "2.6.13.Final",
  /** Not a service: a peer that computes the same. */
  spark: "3.5.7",
} as const;
