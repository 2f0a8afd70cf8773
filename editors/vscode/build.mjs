// Bundles the extension, and builds the server that it brings along.

import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { build } from "esbuild";

rmSync("dist", { recursive: true, force: true });
await build({
  entryPoints: ["src/extension.ts"],
  outfile: "dist/extension.cjs",
  bundle: true,
  platform: "node",
  target: "node20",
  format: "cjs",
  external: ["vscode"],
  minify: true,
  logLevel: "info",
});
const wheel = ["-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir=dist/server"];
execFileSync(process.env.PYTHON ?? "python3", [...wheel, "../.."], {
  stdio: "inherit",
});
