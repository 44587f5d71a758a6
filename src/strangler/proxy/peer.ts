import type { IncomingMessage } from 'node:http'
import type { TLSSocket } from 'node:tls'

/** Who is at the other end of the connection to us. */
export type Peer = { address: string; isEncrypted: boolean }

/** As the connection shows it; once it has ended, only if that was asked before. */
export function peerOf({ socket }: Pick<IncomingMessage, 'socket'>): Peer {
  return {
    address: socket.remoteAddress ?? 'unknown',
    isEncrypted: (socket as Partial<TLSSocket>).encrypted === true,
  }
}
