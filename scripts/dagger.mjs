#!/usr/bin/env node
// Runs the Dagger CLI against an engine that it finds, or builds and starts. `node scripts/dagger.mjs --help` tells the rest.
import { main } from "./launcher/main.mjs";

process.exitCode = await main(process.argv.slice(2));
