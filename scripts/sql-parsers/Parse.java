import com.alibaba.druid.DbType;
import com.alibaba.druid.sql.SQLUtils;
import java.nio.charset.StandardCharsets;
import net.sf.jsqlparser.parser.CCJSqlParserUtil;

/** Reads statements, each ended by a NUL, and prints a line for each: "ok", or which parser refuses it, and why. */
public class Parse {
    public static void main(String[] arguments) throws Exception {
        String[] statements = new String(System.in.readAllBytes(), StandardCharsets.UTF_8).split("\0");
        for (String statement : statements) {
            String jsqlparser = refusal(() -> CCJSqlParserUtil.parse(statement));
            String druid = refusal(() -> SQLUtils.parseStatements(statement, DbType.informix));
            System.out.println(jsqlparser == null && druid == null ? "ok" : "JSqlParser: " + jsqlparser + " / Druid: " + druid);
        }
    }

    interface Parser {
        Object parse() throws Exception;
    }

    private static String refusal(Parser parser) {
        try {
            parser.parse();
            return null;
        } catch (Throwable error) {
            return String.valueOf(error.getMessage()).replaceAll("\\s+", " ");
        }
    }
}
