package usage

// ledgerBlocks, of version 3, changes how an exchange is found by its id. Ids
// are random: in an index over all of them each new one falls on another page,
// which has to be read and written for it. An index in blocks of 4096 rows, by
// the order they were written in, grows at its end only; a look-up searches
// every block, which takes some microseconds each.
const ledgerBlocks = `
DROP INDEX exchanges_id;
CREATE INDEX exchanges_block ON exchanges(seq >> 12, id);
`

// inBlocks is the SQL that chooses the rows of exchanges x by a condition on
// their id, block by block. Blocks whose rows were all deleted are left out.
func inBlocks(condition string) string {
	return `x.seq IN (WITH RECURSIVE blocks(n) AS (
		SELECT min(seq) >> 12 FROM exchanges
		UNION ALL SELECT (SELECT min(seq) >> 12 FROM exchanges WHERE seq >= (n + 1) << 12) FROM blocks WHERE n IS NOT NULL)
		SELECT e.seq FROM blocks CROSS JOIN exchanges e ON e.seq >> 12 = n AND ` + condition + `)`
}

// rare is the length of a beginning of an id, in bytes, that few ids share: of
// "req_" and four digits. Shorter ones are looked for row by row, which finds a
// page of them soon, and needs no list of all.
const rare = 8
