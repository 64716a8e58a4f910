// Flink SQL over a topic in a mini-cluster of this process, parallelism 2. The same query twice, each from the topic's start
// to its end; the second, warm time counts. Arguments: BROKERS TOPIC json|wide|access FILE. Prints one line of JSON, and
// writes the minutes to FILE. Flink 1.20's SQL has no quantiles: it is asked for none.
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

public final class FlinkMinutes {
  static String columns(String shape) {
    return switch (shape) {
      case "json" -> "`@timestamp` TIMESTAMP_LTZ(3), level STRING, service STRING, `method` STRING, path STRING, "
          + "status STRING, response_time_ms DOUBLE";
      case "wide" -> "`@timestamp` TIMESTAMP_LTZ(3), log ROW<level STRING>, service ROW<name STRING>, "
          + "http ROW<request ROW<`method` STRING>, response ROW<status_code STRING>>, url ROW<path STRING>, "
          + "event ROW<duration BIGINT>";
      default -> "line STRING";
    };
  }

  static String rows(String shape) {
    return switch (shape) {
      case "json" -> "SELECT FLOOR(CAST(`@timestamp` AS TIMESTAMP(3)) TO MINUTE) AS m, service AS a, level AS b, `method` AS c, path AS d, "
          + "status AS e, response_time_ms AS v, level IN ('ERROR', 'FATAL') OR status LIKE '5__' AS bad FROM records";
      case "wide" -> "SELECT FLOOR(CAST(`@timestamp` AS TIMESTAMP(3)) TO MINUTE) AS m, service.name AS a, log.level AS b, http.request.`method` AS c, "
          + "url.path AS d, http.response.status_code AS e, event.duration / 1e6 AS v, "
          + "log.level IN ('ERROR', 'FATAL') OR http.response.status_code LIKE '5__' AS bad FROM records";
      default -> "SELECT FLOOR(TO_TIMESTAMP(REGEXP_EXTRACT(line, '\\[([^ ]+)', 1), 'dd/MMM/yyyy:HH:mm:ss') TO MINUTE) AS m, "
          + "REGEXP_EXTRACT(line, '^(\\S+)', 1) AS a, "
          + "REGEXP_EXTRACT(line, '\"\\S+ (\\S+)', 1) AS b, REGEXP_EXTRACT(line, '\" (\\d{3}) ', 1) AS c, "
          + "REGEXP_EXTRACT(line, '\"(\\S+)', 1) AS d, '' AS e, "
          + "CAST(REGEXP_EXTRACT(line, '\" \\d{3} (\\d+)', 1) AS DOUBLE) AS v, "
          + "REGEXP_EXTRACT(line, '\" (\\d{3}) ', 1) LIKE '5__' AS bad FROM records";
    };
  }

  static List<Row> run(String[] arguments) throws Exception {
    Configuration configuration = new Configuration();
    configuration.setString("parallelism.default", "2");
    configuration.setString("taskmanager.numberOfTaskSlots", "2");
    configuration.setString("taskmanager.memory.managed.size", "512m");
    configuration.setString("taskmanager.memory.network.max", "128m");
    configuration.setString("pipeline.object-reuse", "true");
    configuration.setString("table.local-time-zone", "UTC");
    configuration.setString("table.exec.mini-batch.enabled", "true");
    configuration.setString("table.exec.mini-batch.allow-latency", "2 s");
    configuration.setString("table.exec.mini-batch.size", "100000");
    EnvironmentSettings.Builder settings = EnvironmentSettings.newInstance().withConfiguration(configuration);
    boolean isBatch = !"streaming".equals(System.getenv("FLINK_MODE"));
    TableEnvironment tables =
        TableEnvironment.create((isBatch ? settings.inBatchMode() : settings.inStreamingMode()).build());
    String shape = arguments[2];
    String format = shape.equals("access") ? "'format' = 'raw'"
        : "'format' = 'json', 'json.timestamp-format.standard' = 'ISO-8601'";
    tables.executeSql("CREATE TABLE records (" + columns(shape) + ") WITH ('connector' = 'kafka', 'topic' = '"
        + arguments[1] + "', 'properties.bootstrap.servers' = '" + arguments[0]
        + "', 'properties.max.partition.fetch.bytes' = '8388608', 'properties.max.poll.records' = '20000', "
        + "'scan.startup.mode' = 'earliest-offset', 'scan.bounded.mode' = 'latest-offset', " + format + ")");
    List<Row> minutes = new ArrayList<>();
    try (CloseableIterator<Row> rows = tables.executeSql(
        "SELECT m, a, b, c, d, e, COUNT(*), SUM(CASE WHEN bad THEN 1 ELSE 0 END), MIN(v), MAX(v), AVG(v) "
            + "FROM (" + rows(shape) + ") GROUP BY m, a, b, c, d, e").collect()) {
      while (rows.hasNext()) minutes.add(rows.next());
    }
    return minutes;
  }

  static double cpuSeconds() throws Exception {
    String stat = Files.readString(Path.of("/proc/self/stat"));
    String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
    return (Long.parseLong(fields[11]) + Long.parseLong(fields[12])) / 100.0;
  }

  static long peakBytes() throws Exception {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("VmHWM")) return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
    }
    return 0;
  }

  public static void main(String[] arguments) throws Exception {
    run(arguments);
    double cpuBefore = cpuSeconds();
    long before = System.nanoTime();
    List<Row> minutes = run(arguments);
    double seconds = (System.nanoTime() - before) / 1e9;
    double cpu = cpuSeconds() - cpuBefore;
    long records = 0;
    try (PrintWriter out = new PrintWriter(Files.newBufferedWriter(Path.of(arguments[3])))) {
      for (Row row : minutes) {
        records += (Long) row.getField(6);
        List<String> values = new ArrayList<>();
        for (int i = 1; i <= 5; i++) if (!row.getField(i).equals("")) values.add((String) row.getField(i));
        long minute = ((LocalDateTime) row.getField(0)).toEpochSecond(ZoneOffset.UTC) / 60;
        out.printf(Locale.ROOT, "[%d,[\"%s\"],%s,%s,%s,%s,%s]%n", minute, String.join("\",\"", values), row.getField(6),
            row.getField(7), row.getField(8), row.getField(9), row.getField(10));
      }
    }
    System.out.printf(Locale.ROOT, "{\"records\":%d,\"seconds\":%f,\"cpuSeconds\":%f,\"peakRssBytes\":%d}%n", records, seconds,
        cpu, peakBytes());
    System.exit(0);
  }
}
