// Package document is the JSON of components, in both directions.
//
// A document is a component as the v2 API shows it, with the members in one order and
// without blanks. What is stored differs from what is shown in two things:
//
//   - the derived status word is left out, so that it is never stored twice;
//   - in the place of a set of boot artifacts, which thousands of nodes share, the
//     number of a row may stand.
//
// So a stored document is shown without being read: AppendView puts both back in. It
// finds the members by their names, as a quotation mark within a text always has a
// backslash in front. What AppendComponent writes encoding/json writes too, byte for
// byte, and a Decoder reads it back as it was; the tests hold all three to it.
//
// Forms that earlier versions stored are brought to this one by the migrations of a
// store, or read as they are: tests of both are in the store.
package document
