(procedure_declaration . (identifier) @name (procedure (block) @body)) @definition.function
(overloaded_procedure_declaration . (identifier) @name) @definition.function
(struct_declaration . (identifier) @name "{" @body) @definition.class
(enum_declaration . (identifier) @name "{" @body) @definition.class
(union_declaration . (identifier) @name "{" @body) @definition.class

[(comment) (block_comment)] @comment
(attributes) @attached
