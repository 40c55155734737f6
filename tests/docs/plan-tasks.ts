/** The tasks of the plan, by the rows of its tables, and what proves each: requirements, policies, and tests by file and titles. */
import type { Group } from './tasks.ts'

const UNIT = 'tests/unit'
const DEPLOY = `${UNIT}/deploy`
const BACKEND = 'app/backend/tests'

const DECISIONS: readonly Group[] = [
  {
    row: 'The pipeline is a Dagger TypeScript module; workflows hold no logic',
    tasks: [
      { id: 'T101', task: 'Workflows call the module and decide nothing', proofs: [`${UNIT}/workflows.test.ts`, 'tests/pipeline/workflows.test.ts'] },
      { id: 'T102', task: 'All checks run though one fails, and one verdict is about all of them', proofs: ['tests/pipeline/ci.test.ts', `${UNIT}/dagger/summary.test.ts`, `${UNIT}/dagger/select.test.ts`] },
      { id: 'T103', task: 'A failure is told with its place and the command that runs it again', proofs: [`${UNIT}/dagger/excerpt.test.ts`, `${UNIT}/dagger/annotations.test.ts`, `${UNIT}/dagger/summary.test.ts > the command that runs a failure again`] },
      { id: 'T104', task: 'Ports of a laptop reach services of the engine, and a cluster is kept under its name', proofs: ['tests/pipeline/laptop.test.ts', 'tests/launcher/way-in.test.ts', `${UNIT}/dagger/node-start.test.ts`] },
      { id: 'T105', task: 'The way of a commit to production is rehearsed by the workflows’ own lines', proofs: [`${UNIT}/rehearsal/workflows.test.ts`, `${UNIT}/rehearsal/way.test.ts`, `${UNIT}/rehearsal/page.test.ts`], unproven: 'the rehearsal itself writes a page and no JUnit document' },
    ],
  },
  {
    row: 'Without a container runtime, engine, SDK, base images and cluster are built from package registries',
    tasks: [
      { id: 'T111', task: 'The launcher chooses an engine and says why', proofs: ['tests/launcher/choose.test.ts'] },
      { id: 'T112', task: 'A machine that lacks something is told what', proofs: ['tests/launcher/preflight.test.ts'] },
      { id: 'T113', task: 'The embedded engine starts, stops, and takes away what it added', proofs: ['tests/launcher/engine.test.ts', 'tests/launcher/host.test.ts'] },
      { id: 'T114', task: 'The TypeScript SDK is made from its npm package', proofs: ['tests/launcher/provision.test.ts'] },
      { id: 'T115', task: 'Base images are made under their usual names', proofs: ['tests/launcher/base-images.test.ts', 'tests/launcher/images.test.ts'] },
      { id: 'T116', task: 'Builds that are cut off or run at once leave nothing half made', proofs: ['tests/launcher/build.test.ts', 'tests/launcher/lock.test.ts'] },
      { id: 'T117', task: 'The node is a cluster as the application needs it', proofs: [`${UNIT}/offline/cluster.test.ts`, 'tests/launcher/cluster.test.ts', 'CONF-001', 'CONF-002', 'CONF-003', 'CONF-004', 'CONF-005', 'CONF-006', 'CONF-007'] },
    ],
  },
  {
    row: 'Three processes: backend, agent, tool server; migrations are a Job',
    tasks: [
      { id: 'T121', task: 'Tasks over REST', proofs: ['CONF-220', 'CONF-221', `${BACKEND}/integration/test_tasks_routes.py`, `${BACKEND}/contract/test_openapi.py`] },
      { id: 'T122', task: 'Chat, whole and streamed', proofs: ['CONF-230', 'CONF-231', 'CONF-232', `${BACKEND}/integration/test_chat_routes.py`, `${BACKEND}/integration/test_chat_faults.py`] },
      { id: 'T123', task: 'Tools over MCP', proofs: ['CONF-240', 'CONF-242', `${BACKEND}/contract/test_mcp_client.py`, 'tests/mcp-client/tools.test.ts'] },
      { id: 'T124', task: 'Any OpenAI-compatible model', proofs: [`${BACKEND}/integration/test_language_model.py`, `${BACKEND}/integration/test_model_failures.py`] },
      { id: 'T125', task: 'People sign in through OpenID Connect', proofs: [`${BACKEND}/integration/test_sign_in.py`, 'tests/e2e/sign-in.test.ts'] },
      { id: 'T126', task: 'The page: conversation, tasks, keyboard, telephone, accessibility', proofs: ['tests/e2e/conversation.test.ts', 'tests/e2e/keyboard.test.ts', 'tests/e2e/phone.test.ts', 'tests/e2e/accessibility.test.ts', 'tests/e2e/failures.test.ts', 'tests/e2e/delivery.test.ts'] },
      { id: 'T127', task: 'Migrations in a Job of their own, which may run again', proofs: [`${BACKEND}/integration/test_migrations.py`, 'CONF-265'] },
      { id: 'T128', task: 'Each process finishes what is under way before it ends', proofs: [`${BACKEND}/integration/test_processes.py`] },
      { id: 'T129', task: 'Logs and metrics', proofs: ['CONF-212', 'CONF-310', 'CONF-311'] },
    ],
  },
  {
    row: 'A deployer of our own applies, watches, proves and rolls back',
    tasks: [
      { id: 'T131', task: 'A plan by server-side dry run, which changes nothing', proofs: [`${DEPLOY}/commands/other.test.ts > plan`, `${DEPLOY}/plan/diff.test.ts`, 'CONF-302'] },
      { id: 'T132', task: 'Fields and objects of others are named and left alone', proofs: [`${DEPLOY}/cluster/foreign.test.ts`, `${DEPLOY}/commands/deploy.test.ts > what is in the way`, 'tests/faults/field-conflict.test.ts', 'tests/faults/foreign-object.test.ts', 'tests/faults/foreign-writers.test.ts'] },
      { id: 'T133', task: 'Waves in order, each watched until it is current', proofs: [`${DEPLOY}/release/order.test.ts`, `${DEPLOY}/rollout/settle.test.ts`, `${DEPLOY}/kinds/assess.test.ts`, `${DEPLOY}/kinds/streams.test.ts`, `${DEPLOY}/commands/deploy.test.ts > a first release`] },
      { id: 'T134', task: 'What no waiting mends is called failed at once', proofs: [`${DEPLOY}/kinds/doom.test.ts`, 'tests/faults/crash-at-start.test.ts', 'tests/faults/image-not-found.test.ts', 'tests/faults/bad-config-key.test.ts', 'tests/faults/pod-security-violation.test.ts', 'tests/faults/out-of-memory.test.ts'] },
      { id: 'T135', task: 'The diagnosis is captured before anything is undone', proofs: [`${DEPLOY}/rollout/diagnose.test.ts`, `${DEPLOY}/commands/deploy.test.ts > a doomed release > is diagnosed before anything is undone, without secrets`] },
      { id: 'T136', task: 'The whole application goes back, and that is proven', proofs: [`${DEPLOY}/commands/deploy.test.ts > a doomed release`, `${DEPLOY}/commands/second-faults.test.ts`, 'tests/faults/broken-rollback-target.test.ts', 'tests/faults/broken-before.test.ts'] },
      { id: 'T137', task: 'A release that is ready and answers wrongly fails', proofs: [`${DEPLOY}/proof/verify.test.ts`, 'tests/faults/smoke-test-fails.test.ts'] },
      { id: 'T138', task: 'One deployer at a time; a killed one wedges nothing', proofs: [`${DEPLOY}/cluster/lock.test.ts`, `${DEPLOY}/commands/deploy.test.ts > the lock`, 'tests/faults/two-deployers.test.ts', 'tests/faults/killed-deployer.test.ts'] },
      { id: 'T139', task: 'The report says what happened, why, and what is in place', proofs: [`${DEPLOY}/report/report.test.ts`] },
    ],
  },
  {
    row: 'kustomize and Helm render the same objects',
    tasks: [
      { id: 'T141', task: 'Both give equal objects, with any settings', proofs: ['tests/validate/equality.test.ts'] },
      { id: 'T142', task: 'Objects fit the schemas of three minors', proofs: ['tests/validate/schemas.test.ts', 'CONF-101', 'CONF-102', 'CONF-103'] },
      { id: 'T143', task: 'Each policy has a mutation that turns it red', proofs: ['tests/validate/policies.test.ts', 'tests/validate/mutations.test.ts', 'tests/validate/score.test.ts'] },
      { id: 'T144', task: 'The chart refuses values that would not work', proofs: ['tests/validate/chart.test.ts'] },
    ],
  },
  {
    row: 'What differs between two teams is a setting, never an edit',
    tasks: [
      { id: 'T151', task: 'Settings are judged by name, rule and environment', proofs: [`${DEPLOY}/release/settings.test.ts`, 'tests/validate/equality.test.ts > with settings'] },
      { id: 'T152', task: 'All that is missing is told at once, before the first write', proofs: [`${DEPLOY}/commands/refusals.test.ts > a release that lacks inputs`, `${DEPLOY}/release/gates.test.ts`, 'tests/faults/bad-input.test.ts'] },
      { id: 'T153', task: 'A doctor says whether a deployment would find everything', proofs: [`${DEPLOY}/commands/doctor.test.ts`] },
    ],
  },
  {
    row: 'A suite of requirements judges a running cluster, and is judged itself by mutations',
    tasks: [
      { id: 'T161', task: 'Each requirement has an id, a sentence, a reason and a limit', proofs: [`${UNIT}/conformance/requirements.test.ts`, `${UNIT}/conformance/run.test.ts`] },
      { id: 'T162', task: 'What could not be asked is not kept', proofs: [`${UNIT}/conformance/needs.test.ts`, `${UNIT}/conformance/unreachable.test.ts`, `${UNIT}/conformance/report.test.ts`] },
      { id: 'T163', task: 'Each change for the worse turns its requirement red', proofs: ['tests/conformance/mutations/mutations.test.ts', `${UNIT}/conformance/mutations.test.ts`] },
    ],
  },
  {
    row: 'Stand-ins are named in every report',
    tasks: [
      { id: 'T171', task: 'The table and the page of the checks name them', proofs: [`${UNIT}/dagger/summary.test.ts > the table > names stand-ins`, `${UNIT}/dagger/summary.test.ts > the page > says on top when a stand-in ran`] },
      { id: 'T172', task: 'The conformance report names the cluster', proofs: [`${UNIT}/conformance/report.test.ts > a report > says which cluster ran, and that it is a stand-in`] },
      { id: 'T173', task: 'The rehearsal names them', proofs: [`${UNIT}/rehearsal/page.test.ts > the page of a rehearsal > says stand-ins, chapters, steps with their seconds, and the verdict last`] },
    ],
  },
]

const GATES: readonly Group[] = [
  {
    row: 'The AI reaches data through MCP only',
    tasks: [
      { id: 'T201', task: 'The agent holds nothing to reach data with', proofs: ['CONF-243', 'secrets/agent-has-none-of-the-data', `${BACKEND}/contract/test_mcp_only.py > test_the_agent_knows_no_database_and_no_key`, `${BACKEND}/integration/test_processes.py > test_the_agent_starts_without_any_database_setting`] },
      { id: 'T202', task: 'The agent’s code cannot import what reaches data', proofs: [`${BACKEND}/contract/test_mcp_only.py > test_import_contracts_hold`, `${BACKEND}/contract/test_mcp_only.py > test_the_agents_modules_load_without_database_packages`] },
      { id: 'T203', task: 'The agent’s pods reach the tool server and nothing else', proofs: ['CONF-260'] },
      { id: 'T204', task: 'The user comes from the token, never from the model', proofs: ['CONF-241', `${BACKEND}/contract/test_mcp_only.py > test_no_prompt_acts_for_another_user`] },
      { id: 'T205', task: 'Roles of the database see the rows of one user', proofs: ['CONF-250', 'CONF-251', `${BACKEND}/contract/test_database_roles.py`] },
    ],
  },
  {
    row: 'The backend keeps no state',
    tasks: [
      { id: 'T211', task: 'A conversation goes on with other replicas', proofs: ['CONF-233', 'CONF-290', 'CONF-291', `${BACKEND}/integration/test_conversation_survives.py`] },
      { id: 'T212', task: 'A turn that is repeated changes nothing twice', proofs: [`${BACKEND}/integration/test_exactly_once.py`] },
    ],
  },
  {
    row: 'Secrets are in Kubernetes Secrets only',
    tasks: [
      { id: 'T221', task: 'No manifest renders one', proofs: ['secrets/none-rendered', 'secrets/none-in-settings', `${DEPLOY}/release/gates.test.ts > checkRendered > refuses a Secret in the manifests`] },
      { id: 'T222', task: 'Pods read the keys that they need, as files', proofs: ['CONF-123', 'secrets/as-files', 'secrets/own-keys-only', `${DEPLOY}/release/secrets.test.ts`] },
      { id: 'T223', task: 'No value lies open in the cluster, a report or the history', proofs: ['CONF-122', `${DEPLOY}/release/redact.test.ts`, `${DEPLOY}/commands/other.test.ts > history > holds no secret value outside of Secrets`] },
      { id: 'T224', task: 'A rotated key reaches the pods that read it', proofs: ['CONF-294', `${DEPLOY}/plan/secretroll.test.ts`, 'tests/faults/changed-secrets.test.ts'] },
    ],
  },
  {
    row: 'RBAC',
    tasks: [
      { id: 'T231', task: 'Pods have no token and their accounts no Role', proofs: ['CONF-270', 'access/no-wildcards', 'access/workloads-have-none', 'access/bindings', 'pods/service-account'] },
      { id: 'T232', task: 'The Role of one namespace is enough to deploy', proofs: ['tests/faults/namespaced-deployer.test.ts', `${DEPLOY}/cluster/namespaced.test.ts`, `${DEPLOY}/commands/bootstrap.test.ts`] },
    ],
  },
  { row: 'A container starts in less than 30 s', tasks: [{ id: 'T241', task: 'Each container is ready in time', proofs: ['CONF-201', 'pods/start-in-time'] }] },
  {
    row: '99.9 % availability during a deployment',
    tasks: [
      { id: 'T251', task: 'No pod goes before its successor is ready', proofs: ['CONF-280', 'CONF-283', 'CONF-300', 'CONF-301', 'rollout/no-gap', 'rollout/disruption-budget'] },
      { id: 'T252', task: 'Each rollout is measured, and undone beyond its budget', proofs: [`${DEPLOY}/proof/availability.test.ts`, `${DEPLOY}/commands/deploy.test.ts > a release under which too many requests fail`] },
    ],
  },
  {
    row: 'External PostgreSQL in production',
    tasks: [
      { id: 'T261', task: 'Production has no database in the cluster, and one switch for it', proofs: ['database/production-is-external', 'database/one-switch', 'database/address'] },
      { id: 'T262', task: 'An administrator of any server prepares it', proofs: [`${BACKEND}/integration/test_postgres_versions.py`] },
    ],
  },
  { row: 'Minikube in development', tasks: [{ id: 'T271', task: 'The same calls deploy to a Minikube', proofs: [], unproven: 'no test starts one' }] },
  {
    row: 'Backup and restore',
    tasks: [
      { id: 'T281', task: 'A dump each night and before each migration', proofs: ['database/backed-up', `${DEPLOY}/commands/deploy.test.ts > an upgrade > changes only what differs, after a backup when it migrates`, `${DEPLOY}/commands/deploy.test.ts > an upgrade > does not migrate when the backup fails, and goes back`] },
      { id: 'T282', task: 'A backup comes back, and a drill proves that', proofs: [`${DEPLOY}/commands/backup.test.ts`, 'tests/faults/namespaced-deployer.test.ts > the service account deployer, whose Role is in the namespace only > backs up, tries the backup out, and restores it only by force'] },
    ],
  },
  {
    row: 'Minimal images',
    tasks: [
      { id: 'T291', task: 'Containers are hardened, and images are our own', proofs: ['CONF-120', 'images/our-own'] },
      { id: 'T292', task: 'Images of processes and page have no shell', proofs: [], unproven: 'built so, and not tested' },
    ],
  },
  { row: 'Horizontal autoscaling', tasks: [{ id: 'T301', task: 'Replicas follow the load, within the quota', proofs: ['CONF-281', 'CONF-282', 'rollout/autoscaled', 'rollout/no-replicas-under-autoscaler', 'namespace/quota-has-room'] }] },
  {
    row: 'Persistent volumes',
    tasks: [
      { id: 'T311', task: 'Data outlives pod, process and workload', proofs: ['CONF-004', 'CONF-292', 'CONF-293', 'CONF-295', 'database/volumes-stay'] },
      { id: 'T312', task: 'The deployer removes a volume on demand only', proofs: [`${DEPLOY}/commands/deploy.test.ts > an upgrade > keeps a volume that is no longer in the manifests, and still owns it`] },
    ],
  },
]

export const PLAN_TASKS: readonly Group[] = [...DECISIONS, ...GATES]
