// Checks that the Lua files of a folder are formatted as its stylua.toml says; `--write`
// formats them.
//
//     node tests/editors/stylua.mjs PREFIX FOLDER [--write]
//
// where PREFIX is where npm has put the package.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [prefix, folder, option] = process.argv.slice(2);
const library = resolve(prefix, 'node_modules/@johnnymorganz/stylua/stylua_lib_node.mjs');
const { Config, IndentType, OutputVerification, QuoteStyle, formatCode } = await import(
  pathToFileURL(library)
);

const settings = readFileSync(join(folder, 'stylua.toml'), 'utf8');
const value = (name) => settings.match(new RegExp(`^${name} = "?(\\w+)"?$`, 'm'))[1];

// NB: Each call of formatCode uses up the one it is given.
const config = () => {
  const made = Config.new();
  made.column_width = Number(value('column_width'));
  made.indent_type = IndentType[value('indent_type')];
  made.indent_width = Number(value('indent_width'));
  made.quote_style = QuoteStyle[value('quote_style')];
  return made;
};

let isClean = true;
for (const name of readdirSync(folder, { recursive: true })) {
  if (!name.endsWith('.lua')) continue;
  const path = join(folder, name);
  const text = readFileSync(path, 'utf8');
  const formatted = formatCode(text, config(), undefined, OutputVerification.None);
  if (formatted === text) continue;
  if (option === '--write') {
    writeFileSync(path, formatted);
  } else {
    isClean = false;
    console.error(`${path} is not formatted`);
  }
}
process.exit(isClean ? 0 : 1);
