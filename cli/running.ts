/** How commands find the process that runs on a data directory: DATA/gateway.json, there while its gateway listens. */
import { join } from "node:path";
import { z } from "zod";
import { messageOf } from "../core/errors.ts";
import { isHealthy } from "./gateway_client.ts";

const gatewayFile = z.object({ url: z.url(), pid: z.int() });
export type RunningGateway = z.infer<typeof gatewayFile>;

const pathIn = (dataDirectory: string): string => join(dataDirectory, "gateway.json");

/**
 * Says where the gateway of this process listens. A reader sees all of it or nothing.
 * Without the file (a full disk) only `produce` is worse off: it cannot find the gateway by itself.
 */
export function announceGateway(dataDirectory: string, url: string, onNotice: (message: string) => void): void {
  const path = pathIn(dataDirectory);
  const temporary = `${path}.${Deno.pid}`;
  try {
    Deno.writeTextFileSync(temporary, JSON.stringify({ url, pid: Deno.pid }) + "\n");
    Deno.renameSync(temporary, path);
  } catch (error) {
    onNotice(`warning: ${path} could not be written: ${messageOf(error)}; produce needs --url ${url}`);
  }
}

/** Takes it back; a missing file is fine. */
export function withdrawGateway(dataDirectory: string): void {
  try {
    Deno.removeSync(pathIn(dataDirectory));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

/** The gateway that runs on the directory, if it answers; the file of a killed process counts for nothing. */
export async function findGateway(dataDirectory: string): Promise<RunningGateway | null> {
  try {
    const gateway = gatewayFile.parse(JSON.parse(await Deno.readTextFile(pathIn(dataDirectory))));
    return await isHealthy(gateway.url) ? gateway : null;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return null;
  }
}
