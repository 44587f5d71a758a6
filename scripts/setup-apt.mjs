// Debian's packages, for whoever is root there. Runs on Node 20.

import { findOnPath, outputOf, run, step } from './setup-tools.mjs'

/** Answers undefined when the package is installed now, else why it is not. One that was installed before is not touched. */
export function installWithApt(name, { root, env, uid, write }) {
  if (!findOnPath('apt-get', env.PATH)) return 'apt-get is not on the PATH'
  if (uid !== 0) return 'apt-get would need root'
  if (isInstalled(name, env)) return `Debian's ${name} is installed, but too old or not on the PATH`
  return step(write, `Installing Debian's ${name}`, () => {
    // RUNLEVEL=1 keeps a package from starting its service where there is no systemd.
    const quiet = { cwd: root, env: { ...env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' } }
    const wait = ['-o', 'DPkg::Lock::Timeout=60']
    const install = () => run('apt-get', [...wait, 'install', '-y', '--no-install-recommends', name], quiet)
    let failure = install()
    // The lists of a fresh image are empty, and those of an old one name files that are gone.
    if (failure) failure = run('apt-get', [...wait, 'update'], quiet) ?? install()
    return failure && `apt-get install ${name}: ${failure}`
  })
}

/** What is installed already may be somebody's running service, which must not be stopped. */
function isInstalled(name, env) {
  const query = findOnPath('dpkg-query', env.PATH)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg-query's own syntax
  return query !== undefined && outputOf(query, ['-W', '-f', '${Status}', name], env).endsWith(' installed')
}
