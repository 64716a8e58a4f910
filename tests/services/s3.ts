/** Two services that speak like S3: moto, which knows conditional writes, and S3Proxy, which overlooks them. */
import { join } from "node:path";
import { mavenLibrary } from "./maven.ts";
import { pythonEnvironment } from "./python.ts";
import { isListening, LOOPBACK, type Service } from "./service.ts";
import { ARCHIVES } from "./versions.ts";

const ACCESS_KEY = "millrace";
const SECRET_KEY = "a secret for tests";

const accessTo = (port: number) => ({
  endpoint: `http://${LOOPBACK}:${port}`,
  accessKeyId: ACCESS_KEY,
  secretAccessKey: SECRET_KEY,
});

const isReady = ({ endpoint }: Readonly<Record<string, string>>) => isListening(new URL(endpoint).host);

export const moto: Service = {
  name: "moto",
  ports: 1,
  async prepare({ ports: [port] }) {
    const programs = await pythonEnvironment([`moto[server]==${ARCHIVES.moto}`]);
    return {
      command: join(programs, "moto_server"),
      args: ["-H", LOOPBACK, "-p", String(port)],
      access: accessTo(port),
    };
  },
  isReady,
};

export const s3proxy: Service = {
  name: "s3proxy",
  ports: 1,
  async prepare({ directory, ports: [port] }) {
    const library = await mavenLibrary("s3proxy", ARCHIVES.s3proxy, ["org.gaul:s3proxy"]);
    const access = accessTo(port);
    const properties = join(directory, "s3proxy.properties");
    const settings = {
      "s3proxy.endpoint": access.endpoint,
      "s3proxy.authorization": "aws-v2-or-v4",
      "s3proxy.identity": ACCESS_KEY,
      "s3proxy.credential": SECRET_KEY,
      "jclouds.provider": "transient-nio2",
      "jclouds.identity": "any",
      "jclouds.credential": "any",
    };
    await Deno.writeTextFile(properties, Object.entries(settings).map(([key, value]) => `${key}=${value}\n`).join(""));
    return {
      command: "java",
      args: ["-Xmx512m", "-cp", join(library, "*"), "org.gaul.s3proxy.Main", "--properties", properties],
      access,
    };
  },
  isReady,
};
