/** The settings of a schema registry. */
import { z } from "zod";

export const schemaRegistry = z.strictObject({
  url: z.string().regex(/^(https?:\/\/\S+)?$/, "no http:// or https:// address").default("").meta({
    alias: "SCHEMA_REGISTRY_URL",
  }).describe("Address of a schema registry with Confluent's API; empty: none."),
  username: z.string().default("").describe("User, where the registry wants one."),
  password: z.string().default("").meta({ isSecret: true }).describe("Password, or an API's secret; better in a file."),
  passwordFile: z.string().default("").describe("File with the password, read at each request."),
  requestTimeoutMs: z.int().min(100).default(10_000).describe("Longest time that the registry may take to answer."),
});
