// Plain `pulumi up` starts here. Only this file must run on an old Node, to say so in one line.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `Node: expected >= 22.18, got ${process.versions.node}. Fix: install Node 22.18 or newer, or use \`npm run up\`, which brings its own.`,
  )
  process.exit(1)
}
const { default: deploy } = await import('./index.ts')
export default deploy
