package doctor

import "context"

func (x *examination) servers(context.Context) {}
