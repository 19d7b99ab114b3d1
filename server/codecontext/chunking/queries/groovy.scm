; The grammar knows commands, units and blocks only: ``def f(x) { }`` is the command ``def`` with the block ``f(x) { }``.
; Anchors everywhere: a unit may have thousands of parts, and a query tries each that is not anchored.
((command (unit . (identifier) @_keyword .) . (block . (unit . (identifier) @name .) "{" @body)) @definition.class
  (#any-of? @_keyword "class" "interface" "trait" "enum" "record")
  (#set! trim-end))
((command (unit . (identifier) @_keyword .) . (unit . (identifier) @name .) . (unit) . (block "{" @body)) @definition.class
  (#any-of? @_keyword "class" "interface" "trait" "enum" "record")
  (#set! trim-end))
((command (unit) . (block . (unit . (func . (identifier) @name) .) "{" @body)) @definition.function
  (#not-any-of? @name "if" "for" "while" "switch" "catch" "synchronized")
  (#set! trim-end))
((command . (block . (unit (func . (identifier) @_keyword (arg_block . (string) @name)) .) "{" @body)) @definition.function
  (#any-of? @_keyword "task" "register" "create" "stage")
  (#set! trim-end))

[(line_comment) (block_comment)] @comment
