(subroutine_declaration_statement name: (_) @name body: (_) @body) @definition.function
(comment) @comment
