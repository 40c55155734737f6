/** Prints the report of a deployment that fails: the deployer's own text about a simulated cluster, for the page that explains it. */
import { toText } from '../../deploy/src/report/report.ts'
import { release, Scene } from '../unit/deploy/_release.ts'

const scene = new Scene()
await scene.deploy(release())
scene.cluster.logsOf.set('backend/backend/previous', 'ConfigurationError: cannot read the secret file /run/secrets/jwt')
process.stdout.write(`${toText(await scene.deploy(release({ backend: 'crash', migrate: '1' })))}\n`)
