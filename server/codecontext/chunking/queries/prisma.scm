(model_block . (identifier) @name "{" @body) @definition.class
(enum_block . (identifier) @name "{" @body) @definition.class

[(comment) (document_comment)] @comment
