/**
 * What a newcomer sees when everything runs: where it is, and lines to paste. `token`: of the development key; null: the
 * tokens are an issuer's.
 */
export function tour(address: string, token: string | null): string {
  const json = "-H 'content-type: application/json'"
  const asked = '-H "authorization: Bearer $TOKEN"'
  return `
users-service is at ${address}, its documentation at ${address}/docs

${token === null ? ISSUERS : ours(token)}
  # who is user 1?
  curl -i ${asked} ${address}/v1/users/1
  # may they void a receipt at branch B001, and why?
  curl ${asked} '${address}/v1/users/1/permissions/receipt.void?branchId=B001'
  # where do they work, and for whom? From other services, each guarded (here they are made up)
  curl ${asked} ${address}/v1/users/1/profile
  # change something …
  curl ${asked} -X PATCH ${address}/v1/users/1 ${json} -d '{"jobTitle":"Branch manager"}'
  # … and see it at once
  curl ${asked} ${address}/v1/users/1

Ctrl-C ends it.
`
}

const ISSUERS = `  # who you are: a token of your issuer
  TOKEN=…`

/** The service says in its log that this is a key for development. */
function ours(token: string): string {
  return `  # who you are: a token of a development key that is good on this machine only. It may do everything, for some hours;
  # \`users-service token\` makes others
  TOKEN=${token}`
}
