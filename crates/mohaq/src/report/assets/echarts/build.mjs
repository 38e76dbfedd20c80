// Writes echarts.min.js, and the licences beside it, from the versions that package.json pins:
//
//     npm ci --ignore-scripts && npm run build
//
// The output depends on nothing else, so a second run leaves the checkout unchanged.
import { build } from "esbuild";
import { copyFileSync, readFileSync } from "node:fs";

const text = (path) => readFileSync(`node_modules/${path}`, "utf8").trim();
const version = (name) => JSON.parse(text(`${name}/package.json`)).version;

// The page that carries this script is a copy of these works, so their notices travel inside it.
const banner = `/*!
Apache ECharts ${version("echarts")}, reduced by esbuild ${version("esbuild")} (build.mjs beside this file).
Licensed under the Apache License, Version 2.0: https://www.apache.org/licenses/LICENSE-2.0
${text("echarts/NOTICE")}

With zrender ${version("zrender")}:
${text("zrender/LICENSE")}

With tslib ${version("tslib")}: Copyright (c) Microsoft Corporation, 0BSD.
*/`;

await build({
  entryPoints: ["entry.js"],
  outfile: "echarts.min.js",
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "echarts",
  target: "es2019",
  charset: "utf8",
  legalComments: "none",
  define: { "process.env.NODE_ENV": '"production"' },
  banner: { js: banner },
});

copyFileSync("node_modules/echarts/LICENSE", "LICENSE-echarts");
copyFileSync("node_modules/echarts/NOTICE", "NOTICE-echarts");
copyFileSync("node_modules/zrender/LICENSE", "LICENSE-zrender");
