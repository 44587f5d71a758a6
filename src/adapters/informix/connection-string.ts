/** What IBM's driver is told, in parts. `password` comes out of a file and stands in no message. */
export type ConnectionParts = {
  host: string
  port: number
  database: string
  user: string
  password: string
  connectTimeoutSeconds: number
  /** TLS; `certificate`: the file of the server's certificate, or of who signed it. */
  tls: { certificate: string | null } | null
}

/**
 * Keywords of the CLI driver (IBM Db2 documentation, "CLI/ODBC configuration keywords"). A value with a `;` or a brace
 * could end its own keyword and begin another: such a value throws a RangeError that names the keyword.
 */
export function connectionString(parts: ConnectionParts): string {
  const { tls } = parts
  const keywords: Record<string, string | number> = {
    DATABASE: parts.database,
    HOSTNAME: parts.host,
    PORT: parts.port,
    PROTOCOL: 'TCPIP',
    UID: parts.user,
    PWD: parts.password,
    Authentication: 'SERVER',
    ConnectTimeout: parts.connectTimeoutSeconds,
    ...(tls ? { Security: 'SSL' } : {}),
    ...(tls?.certificate ? { SSLServerCertificate: tls.certificate } : {}),
  }
  return Object.entries(keywords)
    .map(([keyword, value]) => {
      if (/[;{}\0\r\n]/.test(String(value))) throw new RangeError(`${keyword} holds a character that it must not hold`)
      return `${keyword}=${value};`
    })
    .join('')
}
