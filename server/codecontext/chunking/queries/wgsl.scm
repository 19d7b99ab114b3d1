(struct_declaration name: (_) @name "{" @body) @definition.class
(function_declaration name: (_) @name body: (_) @body) @definition.function

[(line_comment) (block_comment)] @comment
