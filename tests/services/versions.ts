/** Versions of the services that Millrace works with: what tests start, and what compose.yaml names. */
export const VERSIONS = {
  kafka: "4.1.0",
  cassandra: "5.0.5",
} as const;
