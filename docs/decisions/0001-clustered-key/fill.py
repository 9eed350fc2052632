# One shard (7 of 10), 18 months, 1 M rows in time order; users skewed: one user has 5 %, 20 more have 5 % together.
import random, datetime as d
random.seed(7)
N=1_000_000; start=d.datetime(2025,6,1); end=d.datetime(2026,12,1)
span=(end-start).total_seconds()*1000
times=sorted(int(random.random()*span) for _ in range(N))
heavy=[7]+[10*i+7 for i in range(1,21)]
st=['PAID']*86+['FAILED']*6+['CANCELLED']*3+['REFUNDED']*2+['PARTIALLY_REFUNDED','EXPIRED','PENDING']
prov=['toss','kakao','stripe','adyen','paypal']; meth=['card','card','card','transfer','wallet']; cur=['KRW','KRW','USD','EUR']
base=int(start.replace(tzinfo=d.timezone.utc).timestamp()*1000); last=-1; seq=0
with open('rows.tsv','w') as f:
    for t in times:
        ms=base+t
        seq=seq+1 if ms==last else 0; last=ms
        pid=(ms<<22)|(7<<14)|seq
        x=random.random()
        u=7 if x<.05 else heavy[random.randrange(1,21)] if x<.10 else int(300_000*random.random()**2)*10+7
        s=st[random.randrange(100)]
        at=d.datetime.fromtimestamp(ms/1000,d.timezone.utc).strftime('%Y-%m-%d %H:%M:%S.%f')
        f.write('\t'.join([str(pid),str(u),f'ORD-{random.getrandbits(40):010x}',prov[random.randrange(5)],f'tx_{random.getrandbits(64):016x}',meth[random.randrange(5)],s,f'{random.randrange(100,500000)/100:.4f}',cur[random.randrange(4)],f'Payer {u}',f'user{u}@example.com','insufficient_funds' if s=='FAILED' else '\\N','1',at,at])+'\n')
