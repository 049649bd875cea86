// Saves rows (JSON, the first is the heading) as a workbook with SheetJS: node five-thousand.mjs rows.json target.xlsx
// SheetJS is taken from node_modules of the current folder. Its writer is told to compress with zlib: its own way is twice as big.
import { createRequire } from 'node:module';
import { readFileSync, writeFileSync } from 'node:fs';

const require = createRequire(process.cwd() + '/');
const XLSX = require('xlsx');
XLSX.CFB.utils.use_zlib(require('zlib'));

const [source, target] = process.argv.slice(2);

const sheet = XLSX.utils.aoa_to_sheet(JSON.parse(readFileSync(source, 'utf8')));
sheet['!cols'] = [{ wch: 38 }, { wch: 50 }, { wch: 8 }];
sheet['!autofilter'] = { ref: sheet['!ref'] };

const book = XLSX.utils.book_new();
XLSX.utils.book_append_sheet(book, sheet, 'Denials');
writeFileSync(target, XLSX.write(book, { type: 'buffer', bookType: 'xlsx', compression: true }));
