/** Runs a gateway until it is told to stop. */
import type { Config } from "../../core/config/schema.ts";
import { MillraceError } from "../../core/errors.ts";
import { isShared, openData } from "../data.ts";
import { programLog } from "../program_log.ts";
import { listenForStop } from "../signals.ts";
import type { Terminal } from "../terminal.ts";
import { serveGateway } from "./serve.ts";

/** Until the first SIGINT or SIGTERM. Throws INVALID_CONFIG where the store is one process's own. */
export async function runGateway(config: Config, terminal: Terminal): Promise<void> {
  if (!isShared(config)) {
    throw new MillraceError(
      "INVALID_CONFIG",
      "a gateway of its own needs a log and a store that are shared: kafka.brokers and a store that is no file",
      "set KAFKA_BROKERS and CASSANDRA_CONTACT_POINTS, or start `dev`, which has everything in one process",
    );
  }
  const log = programLog("gateway", terminal);
  const signal = listenForStop();
  {
    await using parts = new AsyncDisposableStack();
    const data = await openData(config, log);
    parts.defer(() => data.close());
    const gateway = await serveGateway(config, data);
    parts.defer(() => gateway.stop());
    log(`gateway at ${gateway.url}`);
    log(`${await signal.stopped}: stopping`);
  }
  signal.release();
}
