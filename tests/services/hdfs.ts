/** HDFS in one process: a name node, a data node and WebHDFS. */
import { join } from "node:path";
import { mavenLibrary } from "./maven.ts";
import { LOOPBACK, type Service } from "./service.ts";
import { ARCHIVES } from "./versions.ts";

const MAIN = `import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.hdfs.MiniDFSCluster;

public class Cluster {
  public static void main(String[] args) throws Exception {
    Configuration conf = new Configuration();
    conf.set(MiniDFSCluster.HDFS_MINIDFS_BASEDIR, args[0]);
    conf.setBoolean("dfs.permissions.enabled", false);
    MiniDFSCluster cluster = new MiniDFSCluster.Builder(conf).numDataNodes(1)
        .nameNodePort(Integer.parseInt(args[1])).nameNodeHttpPort(Integer.parseInt(args[2])).build();
    cluster.waitActive();
    Thread.currentThread().join();
  }
}
`;

export const hdfs: Service = {
  name: "hdfs",
  ports: 2,
  async prepare({ directory, ports: [rpc, web] }) {
    const library = await mavenLibrary("hadoop", ARCHIVES.hadoop, ["org.apache.hadoop:hadoop-minicluster"]);
    const source = join(directory, "Cluster.java");
    await Deno.writeTextFile(source, MAIN);
    return {
      command: "java", // compiles a single source file by itself
      args: ["-Xmx1g", "-cp", join(library, "*"), source, join(directory, "data"), String(rpc), String(web)],
      access: { nameNode: `${LOOPBACK}:${web}` },
    };
  },
  async isReady({ nameNode }) {
    try {
      const answer = await fetch(`http://${nameNode}/webhdfs/v1/?op=LISTSTATUS`);
      await answer.body?.cancel();
      return answer.ok;
    } catch {
      return false;
    }
  },
};
