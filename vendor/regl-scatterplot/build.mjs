// One minified file for the page, with the licenses of everything in it at its head and beside it.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "esbuild";

const OUT = "../../ilk/maps/scatterplot.js";
const { dependencies } = JSON.parse(readFileSync("package.json", "utf8"));

const licenses = Object.entries(dependencies).map(([name, version]) => {
  const folder = `node_modules/${name}`;
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.md|\.txt)?$/i.test(entry));
  if (!file) throw new Error(`${name} has no license file`);
  const installed = JSON.parse(readFileSync(`${folder}/package.json`, "utf8")).version;
  if (installed !== version) throw new Error(`${name} is ${installed}, not ${version}`);
  return `${name} ${version}\n\n${readFileSync(`${folder}/${file}`, "utf8").trim()}\n`;
});
const text = `What scatterplot.js is made from, and the license of each part.\n\n${licenses.join(`\n${"-".repeat(72)}\n\n`)}`;

const result = await build({
  entryPoints: ["entry.js"],
  bundle: true,
  minify: true,
  format: "iife",
  globalName: "IlkScatterplot",
  target: "es2020",
  legalComments: "none",
  charset: "ascii",
  write: false,
});
// Addresses in messages and shader comments: the page names no host.
const code = result.outputFiles[0].text.replace(/https?:\/\/[^\s"'`\\]+/g, "");
if (/<\/script|<!--/i.test(code)) throw new Error("the code would end the script element that holds it");
writeFileSync(OUT, `/*\n${text.replaceAll("*/", "* /")}*/\n${code}`);
writeFileSync(OUT.replace(".js", ".LICENSES.txt"), text);
