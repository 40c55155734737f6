import { type Container, dag, type Directory, type File, ImageLayerCompression, ReturnType, type Secret } from '@dagger.io/dagger'
import { bundled } from './delivery.ts'
import { imageDirectory } from './reference.ts'

/** A place for images, and who may use it. */
export type Registry = {
  registry: string
  tag: string
  username?: string | undefined
  password?: Secret | undefined
  /** PEM certificates of the authorities that the registry is trusted by (default: the public ones) */
  authorities?: Secret | undefined
}

const CREDENTIALS = '/run/secrets/registry'
const SIGNING_KEY = '/run/secrets/signing.key'
const IMAGES = '/run/inputs/images.json'
const AUTHORITIES = '/run/secrets/registry-ca.crt'
const OWNER = { owner: '10001:10001', mode: 0o400 }

// What is pushed here goes through one program on every engine, so that a registry's authorities and credentials are arguments of the
// call and no setting of the engine.
async function client(tools: Container, { registry, username, password, authorities }: Registry): Promise<Container> {
  // Registries are asked anew each time.
  let container = tools.withEnvVariable('ASKED', String(Date.now()))
  if (password !== undefined) {
    if (username === undefined || username === '') throw new Error('a password for the registry needs --username')
    // https://docs.docker.com/reference/cli/docker/#docker-cli-configuration-file-configjson-properties
    const auth = Buffer.from(`${username}:${await password.plaintext()}`).toString('base64')
    const config = JSON.stringify({ auths: { [registry.split('/')[0] ?? '']: { auth } } })
    container = container.withMountedSecret(`${CREDENTIALS}/config.json`, dag.setSecret(`registry-${registry}`, config), OWNER).withEnvVariable('DOCKER_CONFIG', CREDENTIALS)
  }
  if (authorities !== undefined && (await authorities.plaintext()).trim() !== '') {
    container = container.withMountedSecret(AUTHORITIES, authorities, OWNER).withEnvVariable('SSL_CERT_FILE', AUTHORITIES)
  }
  return container
}

/** Runs a script of crane's; `$1` is the folder of images, `$2` the tag. @throws Error with what the registry said, and the next step */
async function ask(container: Container, script: string, args: string[]): Promise<string> {
  const done = container.withExec(['sh', '-c', `set -u\n${script}`, 'sh', ...args], { expect: ReturnType.Any })
  if ((await done.exitCode()) !== 0) throw new Error((await done.stderr()).trim())
  return done.stdout()
}

// One line for each image: name, digest. A commit's images are published once: who runs the same job again gets what was published. Any other
// tag that holds something else is refused, since somebody may run it.
const PUBLISH = `folder=$1 tag=$2 overwrite=$3
for archive in /images/*.tar; do
  name=$(basename "$archive" .tar)
  repository=$folder/$name
  mkdir /tmp/image && tar -xf "$archive" -C /tmp/image
  ours=$(node -p 'JSON.parse(require("fs").readFileSync("/tmp/image/index.json", "utf8")).manifests[0].digest')
  if there=$(crane digest "$repository:$tag" 2>/tmp/refusal); then
    if [ "$there" = "$ours" ]; then :
    elif [ "$overwrite" = yes ]; then crane push /tmp/image "$repository:$tag" >/dev/null || exit 1
    elif echo "$tag" | grep -Eq '^[0-9a-f]{40}$'; then echo "$repository:$tag was published before; its digest is used" >&2; ours=$there
    else
      echo "$repository:$tag holds another image ($there); nothing was pushed over it. next: publish under another tag, or give --overwrite" >&2
      exit 1
    fi
  elif grep -Eq 'MANIFEST_UNKNOWN|NAME_UNKNOWN|404' /tmp/refusal; then
    crane push /tmp/image "$repository:$tag" >/dev/null || { echo "$repository: cannot be pushed. next: check --registry, and that --username and --password may write there" >&2; exit 1; }
  else
    cat /tmp/refusal >&2
    echo "$repository: the registry does not answer as expected. next: check --registry, --username, --password, and --registry-ca for a private certificate authority" >&2
    exit 1
  fi
  rm -r /tmp/image
  echo "$name $ours"
done`

const PUBLISHED = `folder=$1 tag=$2
shift 2
for name in "$@"; do
  digest=$(crane digest "$folder/$name:$tag") || { echo "$folder/$name:$tag: cannot be looked up. next: publish the images of this commit first (cd-dev), and check --registry, --username and --password" >&2; exit 1; }
  echo "$name $digest"
done`

/**
 * Pushes images under a tag. Images of a commit (a tag of 40 hexadecimal digits) that are there already stay as they are.
 * @param tools an image with crane
 * @param overwrite move a tag that holds another image
 * @returns images.json: name → address by digest
 */
export async function publishImages(tools: Container, images: Record<string, Container>, place: Registry, overwrite: boolean): Promise<File> {
  const archives = Object.entries(images).reduce(
    (folder, [name, container]) => folder.withFile(`${name}.tar`, container.asTarball({ forcedCompression: ImageLayerCompression.Gzip })),
    dag.directory(),
  )
  const folder = imageDirectory(place.registry)
  const container = (await client(tools, place)).withMountedDirectory('/images', archives, { owner: '10001:10001' })
  return imagesFile(entries(await ask(container, PUBLISH, [folder, place.tag, overwrite ? 'yes' : 'no']), folder))
}

/**
 * Looks images up by their tag.
 * @param tools an image with crane
 * @returns images.json: name → address by digest
 */
export async function publishedImages(tools: Container, names: readonly string[], place: Registry): Promise<File> {
  const folder = imageDirectory(place.registry)
  return imagesFile(entries(await ask(await client(tools, place), PUBLISHED, [folder, place.tag, ...names]), folder))
}

/**
 * What signs the images of an images.json and gives that file again; without a key it signs nothing.
 * @param key private key of the deployer's command sign
 * @throws Error for a key that cannot sign, before anything is published; what the registry said, when it does not keep a signature
 */
export async function signer(source: Directory, place: Registry, key: Secret | undefined): Promise<(images: File) => Promise<File>> {
  if (key === undefined || key === null || (await key.plaintext()).trim() === '') return async (images) => images
  const signing = (await client(await bundled(source), place)).withMountedSecret(SIGNING_KEY, key, OWNER)
  const sign = async (images: File): Promise<File> => {
    await ask(signing.withFile(IMAGES, images), `node dist/deployer.mjs sign --images ${IMAGES} --key ${SIGNING_KEY}`, [])
    return images
  }
  await sign(imagesFile([]))
  return sign
}

function entries(answer: string, folder: string): (readonly [string, string])[] {
  return answer
    .trim()
    .split('\n')
    .map((line) => line.split(' '))
    .map(([name = '', digest = '']) => [name, `${folder}/${name}@${digest}`] as const)
}

/** @returns images.json: name → reference */
export function imagesFile(entries: (readonly [string, string])[]): File {
  return dag.file('images.json', `${JSON.stringify(Object.fromEntries(entries), undefined, 2)}\n`)
}
