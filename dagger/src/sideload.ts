import { type Container, dag, type Directory, type File, ImageLayerCompression, ReturnType, type Service } from '@dagger.io/dagger'
import { API_HOST, kubeconfig, sideloads } from './cluster.ts'
import { portOf } from './delivery.ts'
import { DEPLOYED, image } from './images.ts'
import type { LaptopCluster } from './node-start.ts'
import { imagesFile } from './registry.ts'

// Hidden while it is written: the node loads what it sees. The kubelet tells within seconds which images it has.
const SIDELOAD = `set -u
present() { kubectl get nodes --output=jsonpath='{range .items[*].status.images[*].names[*]}{@}{"\\n"}{end}' --request-timeout=5s; }
present >/dev/null || exit 1
end=$(($(date +%s) + 180))
for name in /archives/*.name; do
  reference=$(cat "$name")
  present | grep -qx "$reference" && continue
  cp "\${name%.name}.tar" /images/.incoming && mv /images/.incoming "/images/\${reference##*:}.tar" || exit 1
done
for name in /archives/*.name; do
  echo "waiting for $(cat "$name") on the node, at most 180 s" >&2
  until present | grep -qx "$(cat "$name")"; do
    [ "$(date +%s)" -lt "$end" ] || { echo "the node does not have $(cat "$name"); see what it says about images: the output of cluster up" >&2; exit 1; }
    sleep 1
  done
done`

/**
 * Brings the application's images into a laptop cluster that runs, without a registry; those that it has already stay. k3s
 * loads archives while it runs since v1.32.
 * @param tools an image with kubectl
 * @param api where the API of the cluster answers
 * @returns images.json, as `publish` gives it: name → reference, whose tag is the image's digest
 */
export async function sideload(source: Directory, tools: Container, api: Service, which: LaptopCluster): Promise<File> {
  const config = await kubeconfig(tools, which, `https://${API_HOST}:${await portOf(api, '--api')}`)
  const archives = await imageArchives(source, tools)
  const done = tools
    .withServiceBinding(API_HOST, api)
    .withFile('/tmp/kubeconfig', config)
    .withEnvVariable('KUBECONFIG', '/tmp/kubeconfig')
    .withMountedCache('/images', sideloads(which))
    .withMountedDirectory('/archives', archives)
    .withEnvVariable('NOW', String(Date.now()))
    // Cache volumes belong to root.
    .withUser('0')
    .withExec(['sh', '-c', SIDELOAD], { expect: ReturnType.Any })
  if ((await done.exitCode()) !== 0) throw new Error(`cluster ${which.name}: the images were not brought in:\n${await done.stderr()}`)
  return imagesFile(await Promise.all(DEPLOYED.map(async (image) => [image, await archives.file(`${image}.name`).contents()] as const)))
}

// An exported image carries no name; the node loads only named ones. Without a tag the image is named after its digest.
const NAME_ARCHIVE = `const { readFileSync, writeFileSync } = require("fs");
const [file, repository, tag] = process.argv.slice(1);
const index = JSON.parse(readFileSync(file, "utf8"));
const name = repository + ":" + (tag || index.manifests[0].digest.replace("sha256:", ""));
for (const manifest of index.manifests) manifest.annotations = { ...manifest.annotations, "io.containerd.image.name": name, "org.opencontainers.image.ref.name": name.split(":").at(-1) };
writeFileSync(file, JSON.stringify(index));
writeFileSync("/tmp/out/archive.name", name);`

/**
 * The application's images as named archives, for a cluster that reaches no registry.
 * @param tag tag of their names (default: each image's own digest)
 * @param change made to each image
 * @returns <image>.tar and <image>.name
 */
export async function imageArchives(source: Directory, tools: Container, tag = '', change = (image: Container): Container => image): Promise<Directory> {
  const archives = await Promise.all(DEPLOYED.map(async (name) => [name, change(await image(source, name)).asTarball({ forcedCompression: ImageLayerCompression.Uncompressed })] as const))
  return archives.reduce((directory, [name, archive]) => {
    const named = tools
      .withMountedFile('/tmp/in.tar', archive, { owner: '10001:10001' })
      .withExec(['sh', '-ec', `mkdir /tmp/x /tmp/out; tar -xf /tmp/in.tar -C /tmp/x; node -e '${NAME_ARCHIVE}' /tmp/x/index.json docker.io/todo-chat/${name} ${tag}; tar -cf /tmp/out/archive.tar -C /tmp/x .; rm -r /tmp/x`])
      .directory('/tmp/out')
    return directory.withFile(`${name}.tar`, named.file('archive.tar')).withFile(`${name}.name`, named.file('archive.name'))
  }, dag.directory())
}
