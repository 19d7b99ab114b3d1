(block . (identifier) . (string_lit) @name . (string_lit)? @name . (block_start) @body) @definition.class
(comment) @comment
