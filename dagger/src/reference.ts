/** Names of images. Pure. */

/**
 * Where images lie, as a reference may name it: without a trailing slash, and in lower case, since owners and repositories may have capital
 * letters and references may not (https://github.com/opencontainers/distribution-spec, "Pulling manifests").
 * @throws Error for what can be no reference
 */
export function imageDirectory(registry: string): string {
  const folder = registry.replace(/\/+$/, '').toLowerCase()
  const [host, ...path] = folder.split('/')
  if (host === undefined || !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?$/.test(host) || path.length === 0 || path.some((part) => !/^[a-z0-9]+([._-]+[a-z0-9]+)*$/.test(part))) {
    throw new Error(`--registry: expected a host and a path, such as ghcr.io/owner/todo-chat, current value ${registry}`)
  }
  return folder
}
