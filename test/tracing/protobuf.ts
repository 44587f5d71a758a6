// As much of protobuf's wire format as OTLP needs: https://protobuf.dev/programming-guides/encoding/

/** `value`: of a varint or a fixed number; `bytes`: of anything with a length. */
export type Field = { number: number; value: bigint; bytes: Buffer }

const [VARINT, FIXED_64, LENGTH, FIXED_32] = [0, 1, 2, 5]

export function fieldsOf(message: Buffer): Field[] {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint => {
    let value = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = message[at]
      if (byte === undefined) throw new Error('a varint is cut off')
      at += 1
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
  }
  while (at < message.length) {
    const tag = Number(varint())
    const [number, type] = [tag >> 3, tag & 7]
    if (type === VARINT) {
      fields.push({ number, value: varint(), bytes: Buffer.of() })
      continue
    }
    if (type !== FIXED_64 && type !== LENGTH && type !== FIXED_32) throw new Error(`there is no wire type ${type}`)
    const length = type === LENGTH ? Number(varint()) : type === FIXED_64 ? 8 : 4
    fields.push({ number, value: 0n, bytes: message.subarray(at, at + length) })
    at += length
  }
  return fields
}

export function messagesIn(message: Buffer, number: number): Buffer[] {
  return fieldsOf(message)
    .filter((field) => field.number === number)
    .map(({ bytes }) => bytes)
}

export function textIn(message: Buffer, number: number): string {
  return messagesIn(message, number)[0]?.toString() ?? ''
}
