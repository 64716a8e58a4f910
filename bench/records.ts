/**
 * The records that benches read: seeded application logs in JSON of 286 bytes each, as a service mesh of eight services
 * with four endpoints each writes them. A pure function of the index, so that every contender gets the same.
 */
import { randomFrom } from "../tests/simulation/delivery_simulator.ts";

export const RECORD_BYTES = 286;
export const SEED = 20_260_301;
/** Event time of record 0, and how many there are a minute. */
export const START_MS = Date.UTC(2026, 2, 1);
export const RECORDS_PER_MINUTE = 100_000;

const SERVICES = ["checkout", "catalog", "search", "identity", "payments", "reviews", "pricing", "messaging"];
const ENDPOINTS = [
  ["POST", "/api/v1/orders"],
  ["GET", "/api/v1/orders/recent"],
  ["GET", "/api/v1/items/search"],
  ["PUT", "/api/v1/profile/settings"],
];
const FILLER = "request handled by the worker pool ".repeat(5);

/** An endless row of records: each call answers the next one. */
export function recordSource(seed = SEED, perMinute = RECORDS_PER_MINUTE): () => string {
  const stepMs = 60_000 / perMinute;
  const random = randomFrom(seed);
  const hex = () => Math.floor(random() * 2 ** 32).toString(16).padStart(8, "0");
  let index = 0;
  return () => {
    const [method, path] = ENDPOINTS[Math.floor(random() ** 2 * ENDPOINTS.length)];
    const luck = random();
    const status = luck < 0.94 ? 200 : luck < 0.98 ? 404 : 500;
    const fields = {
      "@timestamp": new Date(START_MS + Math.floor(index++ * stepMs)).toISOString(),
      level: status === 500 ? "ERROR" : status === 404 ? "WARN" : "INFO",
      service: SERVICES[Math.floor(random() ** 2 * SERVICES.length)],
      host: `web-${Math.floor(random() * 12)}`,
      method,
      path,
      status,
      response_time_ms: Math.round(Math.exp(3 + 2 * (random() + random() - 1)) * 1000) / 1000,
      trace_id: hex() + hex() + hex() + hex(),
      message: "",
    };
    const message = FILLER.slice(0, RECORD_BYTES - JSON.stringify(fields).length);
    return JSON.stringify({ ...fields, message });
  };
}
