/** What every service is to the harness: one file a service, one line in registry.ts. */

export interface ServiceFiles {
  /** Empty when it starts; its own until it is taken down. */
  readonly directory: string;
  /** Free ports on loopback, as many as {@link Service.ports} asks for. */
  readonly ports: readonly number[];
}

/** How a service is started, once everything that it needs is there. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  /** What tests need to reach it: addresses, users, files. */
  readonly access: Readonly<Record<string, string>>;
}

export interface Service {
  readonly name: string;
  readonly ports: number;
  /** Brings what it takes and writes its configuration. */
  prepare(files: ServiceFiles): Promise<Launch>;
  /** Whether it answers. */
  isReady(access: Readonly<Record<string, string>>): Promise<boolean>;
}

/** The host of every address: services are for this machine alone. */
export const LOOPBACK = "127.0.0.1";

/** Whether somebody listens at HOST:PORT. */
export async function isListening(address: string): Promise<boolean> {
  const [hostname, port] = address.split(":");
  try {
    (await Deno.connect({ hostname, port: Number(port) })).close();
    return true;
  } catch {
    return false;
  }
}
