import { expect } from "expect";
import { down, findRunning, restart, up } from "./manager.ts";
import { isListening, type Service } from "./service.ts";

/** A service of a line, under a name of its own. */
function smallService(name: string): Service {
  return {
    name,
    ports: 1,
    prepare: ({ ports: [port] }) =>
      Promise.resolve({
        command: Deno.execPath(),
        args: ["eval", `Deno.serve({ hostname: "127.0.0.1", port: ${port} }, () => new Response("here"))`],
        access: { address: `127.0.0.1:${port}` },
      }),
    isReady: ({ address }) => isListening(address),
  };
}

const canRun = (await Deno.permissions.query({ name: "run" })).state === "granted";

Deno.test({
  name: "a service outlives its start, is found, found dead, started again and ended by its process id",
  ignore: !canRun,
  async fn() {
    const service = smallService(`test-${crypto.randomUUID()}`);
    try {
      const [running, same] = await Promise.all([up(service), up(service)]);
      expect(same).toEqual(running); // two who ask at once get one
      expect(await findRunning(service.name)).toEqual(running);
      Deno.kill(running.pid, "SIGKILL");
      while (await findRunning(service.name) !== null) await new Promise((resolve) => setTimeout(resolve, 20));
      const again = await restart(service, running);
      expect(again.access).toEqual(running.access);
      expect(again.pid).not.toBe(running.pid);
      expect(await down(service.name)).toBe(true);
      expect(await isListening(running.access.address)).toBe(false);
      await expect(Deno.stat(running.directory)).rejects.toThrow(Deno.errors.NotFound);
      expect(await down(service.name)).toBe(false);
    } finally {
      await down(service.name);
    }
  },
});

Deno.test({
  name: "a service that ends at once is told with what it said",
  ignore: !canRun,
  async fn() {
    const service = { ...smallService(`test-${crypto.randomUUID()}`) };
    const broken: Service = {
      ...service,
      prepare: () =>
        Promise.resolve({
          command: Deno.execPath(),
          args: ["eval", "console.error('no such setting: x'); Deno.exit(1)"],
          access: { address: "127.0.0.1:1" },
        }),
    };
    await expect(up(broken)).rejects.toThrow(/ended[^]*no such setting: x/);
    expect(await findRunning(broken.name)).toBeNull();
  },
});
