/** One node of Cassandra; `cassandra-auth` wants a user and a password. */
import { auth, Client } from "cassandra-driver";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stringify } from "yaml";
import { mavenLibrary } from "./maven.ts";
import { isListening, LOOPBACK, type Service } from "./service.ts";
import { VERSIONS } from "./versions.ts";

/** Packages that Cassandra reaches into, as its own start script has them for Java 17. */
const OPENED: Readonly<Record<string, readonly string[]>> = {
  "java.base": [
    "java.io",
    "java.lang",
    "java.lang.module",
    "java.lang.reflect",
    "java.net",
    "java.nio",
    "java.util",
    "java.util.concurrent",
    "java.util.concurrent.atomic",
    "jdk.internal.jar",
    "jdk.internal.loader",
    "jdk.internal.math",
    "jdk.internal.misc",
    "jdk.internal.module",
    "jdk.internal.perf",
    "jdk.internal.ref",
    "jdk.internal.reflect",
    "jdk.internal.util.jar",
    "sun.nio.ch",
  ],
  "java.management": ["sun.management"],
  "java.management.rmi": ["javax.management.remote.rmi"],
  "java.rmi": ["sun.rmi.registry", "sun.rmi.server", "sun.rmi.transport", "sun.rmi.transport.tcp"],
  "java.sql": ["java.sql"],
  "jdk.management": ["com.sun.management.internal"],
  "jdk.management.jfr": ["jdk.management.jfr"],
};

const LOGBACK = `<configuration>
  <appender name="OUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level %date{ISO8601} %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="OUT" /></root>
</configuration>
`;

function cassandraService(name: string, authentication: Readonly<Record<string, unknown>>, users: string): Service {
  return {
    name,
    ports: 2,
    async prepare({ directory, ports: [native, storage] }) {
      const library = await mavenLibrary("cassandra", VERSIONS.cassandra, ["org.apache.cassandra:cassandra-all"]);
      const settings = {
        cluster_name: "millrace tests",
        num_tokens: 1,
        partitioner: "org.apache.cassandra.dht.Murmur3Partitioner",
        endpoint_snitch: "SimpleSnitch",
        commitlog_sync: "periodic",
        commitlog_sync_period: "10000ms",
        listen_address: LOOPBACK,
        rpc_address: LOOPBACK,
        native_transport_port: native,
        storage_port: storage,
        hints_directory: join(directory, "hints"),
        data_file_directories: [join(directory, "data")],
        commitlog_directory: join(directory, "commitlog"),
        saved_caches_directory: join(directory, "saved_caches"),
        seed_provider: [{
          class_name: "org.apache.cassandra.locator.SimpleSeedProvider",
          parameters: [{ seeds: `${LOOPBACK}:${storage}` }],
        }],
        ...authentication,
      };
      const config = join(directory, "cassandra.yaml");
      const logback = join(directory, "logback.xml");
      await Deno.writeTextFile(config, stringify(settings));
      await Deno.writeTextFile(logback, LOGBACK);
      const opened = Object.entries(OPENED).flatMap(([module, packages]) =>
        packages.flatMap((name) =>
          ["--add-opens", "--add-exports"].flatMap((flag) => [
            flag,
            `${module}/${name}=ALL-UNNAMED`,
          ])
        )
      );
      return {
        command: "java",
        args: [
          "-Xmx1500m",
          ...opened,
          `-Dcassandra.config=${pathToFileURL(config)}`,
          `-Dcassandra.storagedir=${directory}`,
          "-Dcassandra-foreground=yes",
          `-Dlogback.configurationFile=${logback}`,
          "-Dcassandra.skip_wait_for_gossip_to_settle=0",
          "-Djdk.attach.allowAttachSelf=true",
          "-cp",
          join(library, "*"),
          "org.apache.cassandra.service.CassandraDaemon",
        ],
        access: { contactPoints: `${LOOPBACK}:${native}`, user: users, password: users },
      };
    },
    // The port is opened when the node can answer; the first user is made some seconds later.
    isReady: async ({ contactPoints }) =>
      await isListening(contactPoints) && (users === "" || await canLogIn(contactPoints, users)),
  };
}

async function canLogIn(contactPoints: string, user: string): Promise<boolean> {
  const client = new Client({
    contactPoints: [contactPoints],
    localDataCenter: "datacenter1",
    authProvider: new auth.PlainTextAuthProvider(user, user),
  });
  return await client.connect().then(() => true, () => false).finally(() => client.shutdown());
}

export const cassandra = cassandraService("cassandra", {}, "");
export const cassandraAuth = cassandraService("cassandra-auth", {
  authenticator: "PasswordAuthenticator",
  authorizer: "CassandraAuthorizer",
}, "cassandra");
